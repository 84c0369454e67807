"""The time of a row in UTC, from text, a date or a datetime."""

from array import array
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from tradedesk.core.bars import Timeframe, Times
from tradedesk.marketdata.sessions import NEW_YORK

MIDNIGHT = time()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class TimeColumn:
    """The times of a file, added row by row."""

    def __init__(self, timeframe: Timeframe) -> None:
        self._timeframe = timeframe
        self._microseconds = array("q")

    def append(self, value: str | date | datetime | None) -> None:
        """Raises ValueError with a message for the trader."""
        if value is None:
            raise ValueError("the time is missing.")
        self._microseconds.append((bar_time(value, self._timeframe) - EPOCH) // MICROSECOND)

    def __len__(self) -> int:
        return len(self._microseconds)

    def as_array(self) -> Times:
        return np.frombuffer(self._microseconds, dtype=np.int64).view("datetime64[us]")


def bar_time(value: str | date | datetime, timeframe: Timeframe) -> datetime:
    """The opening time of a bar in UTC. Raises ValueError with a message for the trader.

    A time without a zone is New York time. A daily bar gets midnight in New York: of the written date if the time
    is midnight in any zone, otherwise of the day in New York.
    """
    moment = _parse(value, timeframe) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        if timeframe is not Timeframe.DAY:
            raise ValueError(f"“{value}” is a date without a time of day. {timeframe} bars need both.")
        moment = datetime.combine(moment, MIDNIGHT)
    if timeframe is Timeframe.DAY:
        if moment.tzinfo is not None and moment.time() != MIDNIGHT:
            moment = moment.astimezone(NEW_YORK)
        moment = datetime.combine(moment.date(), MIDNIGHT)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=NEW_YORK)
    return _in_utc(moment)


def _parse(text: str, timeframe: Timeframe) -> date | datetime:
    text = text.strip()
    try:
        return date.fromisoformat(text) if len(text) <= len("2012-03-05") else datetime.fromisoformat(text)
    except ValueError:
        example = "2012-03-05" if timeframe is Timeframe.DAY else "2012-03-05 09:30"
        raise ValueError(f"“{text[:40]}” is not a time. Write it like {example}.") from None


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"“{moment}” is out of range.") from None
