"""The bars that a backtest may run on, and the series that they are from."""

from collections.abc import Sequence

from tradedesk.core.bars import Bars
from tradedesk.marketdata.library import NoBars, find_series, load_many
from tradedesk.marketdata.models import BarSeries


class UnusableBars(Exception):
    """Bars that are there, but must not be traded on now; the message says which, and what to do."""


def usable_series(symbols: Sequence[str], timeframe: str) -> dict[str, BarSeries]:
    """The series of these symbols, in their order. Raises NoBars, and UnusableBars for unadjusted prices."""
    series = find_series(symbols, timeframe)
    if missing := [symbol for symbol in symbols if symbol not in series]:
        raise NoBars(missing, timeframe)
    if raw := [symbol for symbol in symbols if not series[symbol].adjusted]:
        raise UnusableBars(
            f"The bars of {', '.join(raw)} are not adjusted for splits: a split would trade like a crash. "
            f"Import adjusted ones: manage.py import_bars FILE --symbol {raw[0]} --timeframe {timeframe} --replace"
        )
    return series


def load_usable(symbols: Sequence[str], timeframe: str) -> tuple[dict[str, Bars], dict[str, BarSeries]]:
    """The whole history of each symbol with the series it is from. Raises NoBars, UnusableBars and DamagedBars."""
    series = usable_series(symbols, timeframe)
    bars = load_many(symbols, timeframe)
    after = usable_series(symbols, timeframe)
    if changed := [symbol for symbol in symbols if after[symbol].fingerprint != series[symbol].fingerprint]:
        raise UnusableBars(f"New bars of {', '.join(changed)} arrived meanwhile. Run the backtest again.")
    return bars, series
