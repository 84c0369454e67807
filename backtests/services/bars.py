"""The bars that a backtest may run on, and their series."""

from collections.abc import Sequence
from datetime import datetime

from backtests.bars_used import loaded_bars_used, stored_bars_used
from tradedesk.core.bars import Bars
from tradedesk.marketdata.library import NoBars, find_series, load_many
from tradedesk.marketdata.models import BarSeries


class UnusableBars(Exception):
    """Bars that exist but must not be traded on; the message says which ones and what to do."""


def usable_series(user_id: int, symbols: Sequence[str], timeframe: str) -> dict[str, BarSeries]:
    """The series that this user reads for these symbols, in their order. Raises NoBars, and UnusableBars for
    unadjusted prices."""
    series = find_series(user_id, symbols, timeframe)
    if missing := [symbol for symbol in symbols if symbol not in series]:
        raise NoBars(missing, timeframe)
    if raw := [symbol for symbol in symbols if not series[symbol].adjusted]:
        raise UnusableBars(
            f"The bars of {', '.join(raw)} are not adjusted for splits: a split would look like a crash. "
            f"Import adjusted bars: manage.py import_bars FILE --symbol {raw[0]} --timeframe {timeframe} --replace"
        )
    return series


def load_usable(
    user_id: int, symbols: Sequence[str], timeframe: str, end: datetime
) -> tuple[dict[str, Bars], dict[str, BarSeries]]:
    """The whole history of each symbol, and its series, whose bars up to `end` are the loaded ones.

    Raises NoBars, UnusableBars and DamagedBars.
    """
    before = usable_series(user_id, symbols, timeframe)
    bars = load_many(user_id, symbols, timeframe)
    series = usable_series(user_id, symbols, timeframe)
    replaced = [symbol for symbol in symbols if _version(series[symbol]) != _version(before[symbol])]
    used = loaded_bars_used({symbol: bars[symbol] for symbol in replaced}, series, end)
    if changed := [symbol for symbol in replaced if stored_bars_used(series[symbol], end) != used[symbol]]:
        raise UnusableBars(f"The bars of {', '.join(changed)} changed while they were loaded. Run it again.")
    return bars, series


def _version(series: BarSeries) -> tuple[int, str]:
    return series.pk, series.fingerprint
