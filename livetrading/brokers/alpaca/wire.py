"""Reading the few fields of an answer that the desk needs. A field that is missing and not needed does not matter.
Pure."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from livetrading.brokers.protocol import OutcomeUnknown

UNREADABLE = "Alpaca's answer was not readable."


def text(row: Any, name: str) -> str:
    """Raises OutcomeUnknown without one."""
    value = row.get(name) if isinstance(row, dict) else None
    if not isinstance(value, str) or not value:
        raise OutcomeUnknown(UNREADABLE)
    return value


def word(row: Any, name: str) -> str:
    """ "" without one."""
    value = row.get(name) if isinstance(row, dict) else None
    return value if isinstance(value, str) else ""


def number(row: Any, name: str) -> Decimal:
    """Raises OutcomeUnknown without one."""
    value = optional(row, name)
    if value is None:
        raise OutcomeUnknown(UNREADABLE)
    return value


def optional(row: Any, name: str) -> Decimal | None:
    """None without one. Raises OutcomeUnknown for what is no finite number."""
    value = row.get(name) if isinstance(row, dict) else None
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise OutcomeUnknown(UNREADABLE)
    try:
        found = Decimal(value)
    except ArithmeticError:
        raise OutcomeUnknown(UNREADABLE) from None
    if not found.is_finite():
        raise OutcomeUnknown(UNREADABLE)
    return found


def time(row: Any, name: str) -> datetime:
    """Raises OutcomeUnknown without one."""
    try:
        found = datetime.fromisoformat(text(row, name))
    except ValueError:
        raise OutcomeUnknown(UNREADABLE) from None
    return found.replace(tzinfo=found.tzinfo or UTC)


def rows(answer: Any) -> list[dict[str, Any]]:
    """The answer as a list. Raises OutcomeUnknown for anything else; what is no object in it is left out."""
    if not isinstance(answer, list):
        raise OutcomeUnknown(UNREADABLE)
    return [row for row in answer if isinstance(row, dict)]
