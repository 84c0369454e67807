"""What a simulation finds."""


class Violation(BaseException):
    """Something that must never happen has happened; the message says what. No `except Exception` of the pipeline
    hides it."""


def insist(holds: object, what: str) -> None:
    if not holds:
        raise Violation(what)
