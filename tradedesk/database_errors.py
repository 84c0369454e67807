"""A database that cannot be used: it is away, its disk is full, or its file is damaged."""

from django.db import DatabaseError, InterfaceError, OperationalError

DATABASE_DOWN = (
    "The desk cannot use its database at the moment: its disk may be full. What you asked for was not stored, or "
    "only in part. Check your orders before you repeat it."
)


def is_database_down(error: BaseException | None) -> bool:
    """Whether this is trouble of the database, not a mistake in a query or in values."""
    # SQLite reports a damaged page by the base class itself.
    return isinstance(error, (OperationalError, InterfaceError)) or type(error) is DatabaseError
