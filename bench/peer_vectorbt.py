"""vectorbt, as in its documentation: combinations as columns of one matrix, then the figures of each."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import pandas as pd
import vectorbt

from bench.task import (
    ACCOUNT,
    CAPITAL,
    COMMISSION,
    PAIR,
    PART,
    POSITION,
    SLOWER,
    Outcome,
    Pair,
    daily,
    many_symbols,
    minutes,
)
from tradedesk.core.bars import Bars

# All 5,000 columns together take three times as long and gigabytes more; this was the fastest size measured.
COLUMNS = 500
COMMON = {"size_granularity": 1, "fees": COMMISSION, "direction": "longonly", "freq": "1D"}


def run_pair(fast: int, slow: int) -> Outcome:
    return matrix(daily(), [(fast, slow)])


def single() -> Outcome:
    return run_pair(*PAIR)


def million() -> Outcome:
    return matrix(minutes(), [SLOWER])


def sweep(pairs: Sequence[Pair]) -> Outcome:
    for first in range(0, len(pairs), COLUMNS):
        outcome = matrix(daily(), pairs[first : first + COLUMNS])
    return outcome


def portfolio() -> Outcome:
    close, open_, entries, exits = prepare_portfolio()
    done = vectorbt.Portfolio.from_signals(
        close,
        entries=entries,
        exits=exits,
        price=open_,
        size=POSITION,
        size_type="value",
        init_cash=ACCOUNT,
        cash_sharing=True,
        call_seq="auto",  # exits first, as in the desk's engine
        group_by=True,
        **COMMON,
    )
    return figures(done, ACCOUNT)


def matrix(bars: Bars, pairs: Sequence[Pair]) -> Outcome:
    close, open_ = columns(bars)
    fast, slow = (
        vectorbt.MA.run(close, window=[pair[place] for pair in pairs], short_name=name)
        for place, name in enumerate(("fast", "slow"))
    )
    done = vectorbt.Portfolio.from_signals(
        close,
        entries=next_bar(fast.ma_crossed_above(slow)),
        exits=next_bar(fast.ma_crossed_below(slow)),
        price=open_,
        size=PART,
        size_type="percent",
        init_cash=CAPITAL,
        **COMMON,
    )
    return figures(done, CAPITAL)


def figures(done: Any, capital: float) -> Outcome:
    """Return, Sharpe ratio, maximum drawdown, win rate and the number of trades."""
    returns = done.total_return()
    done.sharpe_ratio()
    done.max_drawdown()
    done.trades.win_rate()
    trades = pd.Series(done.trades.count()).iloc[-1]
    return Outcome(int(trades), float(capital * (1.0 + pd.Series(returns).iloc[-1])))


@cache
def columns(bars: Bars) -> tuple[pd.Series, pd.Series]:
    index = pd.DatetimeIndex(bars.time)
    return pd.Series(bars.close, index), pd.Series(bars.open, index)


@cache
def prepare_portfolio() -> tuple[Any, Any, Any, Any]:
    """Close, open, entries and exits of all symbols; entries and exits are one bar after their signals."""
    index = pd.DatetimeIndex(next(iter(many_symbols().values())).time)
    close = pd.DataFrame({symbol: bars.close for symbol, bars in many_symbols().items()}, index)
    open_ = pd.DataFrame({symbol: bars.open for symbol, bars in many_symbols().items()}, index)
    fast, slow = (vectorbt.MA.run(close, window=window, short_name=str(window)) for window in PAIR)
    entries, exits = next_bar(fast.ma_crossed_above(slow)), next_bar(fast.ma_crossed_below(slow))
    entries.columns = exits.columns = close.columns
    return close, open_, entries, exits


def next_bar(signals: Any) -> Any:
    return signals.vbt.signals.fshift(1)
