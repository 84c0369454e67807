"""The prices that value shares: last closes, and closes before the start of the day."""

from collections.abc import Iterable, Mapping
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
    """Dollars per share. close: the newest close as in the bars. last: the same, rounded to a millionth.
    previous_close: the last close of the previous days; equal to `last` without one."""

    close: float
    last: Decimal
    previous_close: Decimal


def market_day(now: datetime) -> date:
    """The date of `now` in New York; every page uses it for "today"."""
    return now.astimezone(NEW_YORK).date()


def read_quotes(user_id: int, series: Iterable[Series], now: datetime) -> dict[Series, Quote]:
    """From the bars that this user reads, closed by `now`; a series without readable bars is absent. One query for
    each timeframe."""
    symbols: dict[str, set[str]] = {}
    for symbol, timeframe in series:
        symbols.setdefault(timeframe, set()).add(symbol)
    start = daily_time(market_day(now))
    found: dict[Series, Quote] = {}
    for timeframe, wanted in symbols.items():
        for symbol, bars in load_readable(user_id, wanted, timeframe).items():
            known = closed(bars, timeframe, now)
            if len(known):
                earlier = len(known) - len(known.since(start))
                close = float(known.close[-1])
                previous = float(known.close[earlier - 1 if earlier else -1])
                found[symbol, timeframe] = Quote(close, to_decimal(close), to_decimal(previous))
    return found


def closing_price(quotes: Mapping[Series, Quote], series: Series, paid: float) -> float:
    """The last close that values shares of `series`, in dollars; without one, what was paid for a share."""
    quote = quotes.get(series)
    return paid if quote is None else quote.close


def load_readable(user_id: int, symbols: Iterable[str], timeframe: str) -> dict[str, Bars]:
    """The whole history of those symbols whose bars exist for this user and are not damaged. One query, and one
    for each symbol when some are not readable."""
    wanted = sorted(symbols)
    try:
        return load_many(user_id, wanted, timeframe)
    except (NoBars, DamagedBars, OSError):
        if len(wanted) == 1:
            return {}
    # Load each symbol alone, so that only the unreadable ones are left out.
    return {s: bars for symbol in wanted for s, bars in load_readable(user_id, [symbol], timeframe).items()}
