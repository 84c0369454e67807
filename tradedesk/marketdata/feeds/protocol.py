"""The interface of a feed of market data: one Protocol that takes and returns values, never models.

A feed says which bars are final: those that it serves. It never serves a bar that is not closed at `now`, the
market's time. A vendor may correct a bar afterwards; what the feed then delivers anew is recorded
(marketdata/delivering.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from tradedesk.core.bars import Bars, Timeframe


class NotServed(LookupError):
    """A request for something that this feed does not have. The message says what."""


class FeedFailed(Exception):
    """The source did not answer, refused, or answered what makes no sense. The message says so in words.

    wait: seconds after which a next request makes sense. keys: whether the keys are at fault; symbols: whether a
    symbol of the request is."""

    def __init__(self, message: str, *, wait: float = 0.0, keys: bool = False, symbols: bool = False) -> None:
        super().__init__(message)
        self.wait, self.keys, self.symbols = wait, keys, symbols


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a feed may serve. delay, dated_delay: the time from the close of a bar until it is served, of bars
    within a session and of daily ones. adjusted: its prices are adjusted for splits. quotes: it has quotes."""

    timeframes: frozenset[Timeframe]
    delay: timedelta
    dated_delay: timedelta
    adjusted: bool
    quotes: bool

    def delay_of(self, timeframe: str) -> timedelta:
        return self.dated_delay if Timeframe(timeframe).is_dated else self.delay


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Dollars per share, and when they were quoted."""

    bid: Decimal
    ask: Decimal
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """The price of the newest trade in dollars per share, and its time."""

    price: Decimal
    time: datetime


class Feed(Protocol):
    """One source of bars and quotes. Every `now` is the market's time; a naive one raises ValueError."""

    @property
    def capabilities(self) -> Capabilities: ...

    def latest_bars(self, symbols: Iterable[str], timeframe: Timeframe, now: datetime) -> dict[str, Bars]:
        """The newest closed bar of each symbol, as one row; a symbol without one is absent. Raises NotServed for
        the timeframe."""
        ...

    def history(self, symbol: str, timeframe: Timeframe, start: datetime, end: datetime, now: datetime) -> Bars:
        """The closed bars that open from `start` to `end`, both included, possibly none. Raises NotServed for the
        timeframe or the symbol."""
        ...

    def quotes(self, symbols: Iterable[str], now: datetime) -> dict[str, Quote]:
        """The newest quote of each symbol; a symbol without one is absent. Raises NotServed if the feed has no
        quotes."""
        ...
