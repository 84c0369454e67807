"""The symbol that a result is compared with, in place of its own symbols."""

from datetime import date, datetime

from backtests.date_range import date_range_of, describe_date_ranges
from backtests.engine.simulation import Scenario
from backtests.research.robustness.holding import Benchmark, symbol_held
from backtests.services.bars import UnusableBars, load_usable, usable_series
from tradedesk.marketdata.library import NoBars
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol


def checked_benchmark(
    user_id: int, text: str | None, timeframe: str, start: date, end: date, errors: dict[str, str]
) -> str:
    """The symbol in upper case, "" for none. One without usable bars in the period is added to `errors`."""
    if not text or not text.strip() or "timeframe" in errors:
        return ""
    try:
        symbol = clean_symbol(text)
        date_range = date_range_of(usable_series(user_id, [symbol], timeframe)[symbol])
    except (InvalidSymbol, NoBars, UnusableBars) as refusal:
        errors["compare_with"] = str(refusal)
        return ""
    if date_range.first > end or date_range.last < start:
        known = describe_date_ranges({symbol: date_range})
        errors["compare_with"] = f"There are no bars of {symbol} from {start} to {end}. Bars: {known}."
    return symbol


def benchmark_of(
    user_id: int, compare_with: str, timeframe: str, scenario: Scenario, end: datetime
) -> Benchmark | None:
    """The chosen symbol, held over the scenario; None when the trader chose none. end: of the period. Raises
    NoBars, UnusableBars and DamagedBars."""
    if not compare_with:
        return None
    bars, _ = load_usable(user_id, [compare_with], timeframe, end)
    return symbol_held(scenario, compare_with, bars[compare_with])
