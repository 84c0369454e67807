"""How values are written on the wire: numbers as strings, times in UTC with nanoseconds."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.alpaca_server.market import SECOND, nanoseconds


class Refusal(Exception):
    """An answer other than 200. body: None for none at all."""

    def __init__(self, status: int, code: int | None, message: str, **more: object) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message} | more if code is None else {"code": code, "message": message} | more


def number(value: Decimal) -> str:
    """Without an exponent and without zeros at the end."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def optional(value: Decimal | None) -> str | None:
    return None if value is None else number(value)


def time_text(stamp: int) -> str:
    """With as many digits of a second as there are: none, or up to nine."""
    text = datetime.fromtimestamp(stamp // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    rest = f"{stamp % SECOND:09d}".rstrip("0")
    return f"{text}.{rest}Z" if rest else f"{text}Z"


def optional_time(stamp: int | None) -> str | None:
    return None if stamp is None else time_text(stamp)


def parse_time(text: str) -> int:
    """Of a date or an RFC 3339 time, in nanoseconds. A time without a zone is in UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(422, 40010001, f"invalid time {text}") from None
    time = time.replace(tzinfo=time.tzinfo or UTC)
    beyond = re.search(r"\.\d{6}(\d{1,3})", text)  # nanoseconds, which a datetime does not have
    return nanoseconds(time) + (int(beyond.group(1).ljust(3, "0")) if beyond else 0)


@dataclass(frozen=True)
class Exchange:
    """A request and its honest answer."""

    method: str
    path: str
    query: dict[str, str]
    body: dict[str, Any]
    status: int
    answer: Any
