"""The prices for marking open lots: last closes, and closes before the start of the day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from tradedesk.core.bars import Bars
from tradedesk.core.money import to_decimal
from tradedesk.marketdata.library import NoBars, closed, load_many
from tradedesk.marketdata.sessions import NEW_YORK, daily_time
from tradedesk.marketdata.store import DamagedBars

# A symbol and a timeframe.
Series = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Quote:
    """Dollars per share. last: the newest close. previous_close: the last close of the previous days; equal to
    `last` without one."""

    last: Decimal
    previous_close: Decimal


def market_day(now: datetime) -> date:
    """The date of `now` in New York; every page uses it for "today"."""
    return now.astimezone(NEW_YORK).date()


def read_quotes(series: Iterable[Series], now: datetime) -> dict[Series, Quote]:
    """From the bars closed by `now`; a series without bars is absent. One query for each timeframe."""
    symbols: dict[str, set[str]] = {}
    for symbol, timeframe in series:
        symbols.setdefault(timeframe, set()).add(symbol)
    start = daily_time(market_day(now))
    found: dict[Series, Quote] = {}
    for timeframe, wanted in symbols.items():
        for symbol, bars in _load(sorted(wanted), timeframe).items():
            known = closed(bars, timeframe, now)
            if len(known):
                earlier = len(known) - len(known.since(start))
                last, previous = known.close[-1], known.close[earlier - 1 if earlier else -1]
                found[symbol, timeframe] = Quote(to_decimal(float(last)), to_decimal(float(previous)))
    return found


def _load(symbols: list[str], timeframe: str) -> dict[str, Bars]:
    try:
        return load_many(symbols, timeframe)
    except (NoBars, DamagedBars):
        if len(symbols) == 1:
            return {}
    # Some bars are missing or damaged: load each symbol alone, so that only those symbols have no price.
    return {s: bars for symbol in symbols for s, bars in _load([symbol], timeframe).items()}
