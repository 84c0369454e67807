"""Why an import was refused."""


class ImportRefused(ValueError):
    """Bars that were not imported. The message says where and what to do; `field` is the form's field."""

    def __init__(self, message: str, field: str = "file") -> None:
        super().__init__(message)
        self.field = field
