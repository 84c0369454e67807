"""Alpaca's clock and calendar, as it reports them."""

import itertools
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from typing import Any

from livetrading.brokers.alpaca.wire import UNREADABLE, rows, text, time
from livetrading.brokers.protocol import BrokerClock, BrokerDay, OutcomeUnknown
from tradedesk.marketdata.feeds.alpaca_client import Client
from tradedesk.marketdata.feeds.protocol import FeedFailed
from tradedesk.marketdata.sessions import NEW_YORK


def clock_of(answer: Any) -> BrokerClock:
    """Pure. Raises OutcomeUnknown for what is not readable."""
    is_open = answer.get("is_open") if isinstance(answer, dict) else None
    if not isinstance(is_open, bool):
        raise OutcomeUnknown(UNREADABLE)
    return BrokerClock(time=time(answer, "timestamp").astimezone(UTC), is_open=is_open)


def days_of(answer: Any, first: date, last: date) -> list[BrokerDay]:
    """Those from `first` to `last`. Pure. Raises OutcomeUnknown when one of them is not readable, or they are not
    in order: half of a calendar would say that the market is closed."""
    found = [_day_of(row) for row in rows(answer)]
    if not all(one.day < next_one.day for one, next_one in itertools.pairwise(found)):
        raise OutcomeUnknown(UNREADABLE)
    return [each for each in found if first <= each.day <= last]


def _day_of(row: Any) -> BrokerDay:
    """The times have no zone: they are of New York."""
    try:
        day = date.fromisoformat(text(row, "date"))
        opens, closes = (time_of_day.fromisoformat(text(row, name)) for name in ("open", "close"))
    except ValueError:
        raise OutcomeUnknown(UNREADABLE) from None
    if opens.tzinfo or closes.tzinfo or opens >= closes:
        raise OutcomeUnknown(UNREADABLE)
    start, end = (datetime.combine(day, each, NEW_YORK).astimezone(UTC) for each in (opens, closes))
    return BrokerDay(day=day, opens=start, closes=end)


class PlainTime:
    """The same with keys that belong to no account of the desk, such as those of the installation."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def clock(self) -> BrokerClock:
        return clock_of(self._get("/v2/clock", {}))

    def calendar(self, first: date, last: date) -> list[BrokerDay]:
        days = {"start": first.isoformat(), "end": last.isoformat()}
        return days_of(self._get("/v2/calendar", days), first, last)

    def _get(self, path: str, parameters: dict[str, str]) -> Any:
        try:
            return self._client.get(path, parameters)
        except FeedFailed as failure:
            raise OutcomeUnknown(str(failure)) from None
