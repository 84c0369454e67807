"""raptorbt, as in its documentation: signals as arrays, one call with all figures; many sets go in a batch."""

import os
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

os.environ.setdefault("RAPTORBT_NO_VERSION_CHECK", "1")  # it would ask PyPI at import

import raptorbt

from bench.task import (
    ACCOUNT,
    CAPITAL,
    COMMISSION,
    PAIR,
    PART,
    SLOWER,
    SYMBOLS,
    Outcome,
    Pair,
    daily,
    many_symbols,
    minutes,
)
from tradedesk.core.bars import Bars, Floats

Flags = np.ndarray[Any, np.dtype[np.bool_]]
AT_NEXT_OPEN = "next_bar_open"


def single() -> Outcome:
    return run(daily(), *PAIR)


def run_pair(fast: int, slow: int) -> Outcome:
    return run(daily(), fast, slow)


def million() -> Outcome:
    return run(minutes(), *SLOWER)


def run(bars: Bars, fast: int, slow: int) -> Outcome:
    close = bars.close
    entries, exits = crossings(raptorbt.sma(close, fast), raptorbt.sma(close, slow))
    config = raptorbt.BacktestConfig(initial_capital=CAPITAL, fees=COMMISSION, fill_timing=AT_NEXT_OPEN)
    done = raptorbt.run_single_backtest(
        *columns(bars), entries, exits, weight=PART, symbol="AAPL", config=config, instrument_config=WHOLE
    )
    return outcome_of(done)


def sweep(pairs: Sequence[Pair]) -> Outcome:
    bars = daily()
    averages = {window: raptorbt.sma(bars.close, window) for window in {each for pair in pairs for each in pair}}
    items = []
    for number, (fast, slow) in enumerate(pairs):
        entries, exits = crossings(averages[fast], averages[slow])
        items.append(raptorbt.BatchSingleItem(str(number), entries, exits, weight=PART, instrument_config=WHOLE))
    config = raptorbt.BacktestConfig(initial_capital=CAPITAL, fees=COMMISSION, fill_timing=AT_NEXT_OPEN)
    return outcome_of(raptorbt.batch_single_backtest(*columns(bars), items, config=config)[-1][1])


def portfolio() -> Outcome:
    """One shared pool, an equal part for each symbol: raptorbt has no sizes in dollars."""
    instruments = []
    for symbol, bars in many_symbols().items():
        entries, exits = crossings(raptorbt.sma(bars.close, PAIR[0]), raptorbt.sma(bars.close, PAIR[1]))
        instruments.append((*columns(bars), entries, exits, 1, 1.0 / SYMBOLS, symbol))
    config = raptorbt.BacktestConfig(initial_capital=ACCOUNT, fees=COMMISSION, fill_timing=AT_NEXT_OPEN)
    return outcome_of(raptorbt.run_portfolio_backtest(instruments, config=config, allocation="equal_weight"))


def crossings(fast: Floats, slow: Floats) -> tuple[Flags, Flags]:
    above, below = fast > slow, fast < slow
    entries, exits = np.zeros(len(fast), np.bool_), np.zeros(len(fast), np.bool_)
    known = ~np.isnan(slow[:-1])
    entries[1:], exits[1:] = above[1:] & ~above[:-1] & known, below[1:] & ~below[:-1] & known
    return entries, exits


def outcome_of(done: Any) -> Outcome:
    return Outcome(int(done.metrics.total_trades), float(done.metrics.end_value))


@cache
def columns(bars: Bars) -> tuple[Any, ...]:
    nanoseconds = bars.time.astype("datetime64[ns]").view(np.int64)
    return (nanoseconds, *(np.ascontiguousarray(column) for column in bars.values()))


WHOLE = raptorbt.InstrumentConfig(lot_size=1.0)
