"""Numbers in sentences, and names that are the same everywhere."""

# Where the name of a strategy stands, of what a person has bought without one.
MANUAL = "Manual"


def counted(number: int, one: str, several: str = "") -> str:
    """Such as "1 check", "3 checks"; several: the plural, where it is not `one` with an s."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def dollars(amount: object) -> str:
    """With a sign: "+$1,234.50"."""
    return f"{amount:+,.2f}".replace("+", "+$").replace("-", "\N{MINUS SIGN}$")
