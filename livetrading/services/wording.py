"""Numbers in sentences."""


def counted(number: int, one: str, several: str = "") -> str:
    """Such as "1 check", "3 checks"; several: the plural, where it is not `one` with an s."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
