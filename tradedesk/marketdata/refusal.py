"""The reason for refusing an import."""


class ImportRefused(ValueError):
    """A refused import. The message says what is wrong and what to do; `field` is the form field."""

    def __init__(self, message: str, field: str = "file") -> None:
        super().__init__(message)
        self.field = field
