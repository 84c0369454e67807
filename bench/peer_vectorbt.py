"""vectorbt, as its documentation has it: combinations as columns of one matrix, then four figures a column."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import vectorbt

from bench.task import CAPITAL, COMMISSION, PART, SYMBOL, Outcome
from tradedesk.marketdata.samples import sample_bars

_bars = sample_bars(SYMBOL)
_index = pd.DatetimeIndex(_bars.time)
CLOSE, OPEN = pd.Series(_bars.close, _index), pd.Series(_bars.open, _index)


# All 5,000 columns at once take three times as long and gigabytes more; of the sizes tried this was fastest.
COLUMNS = 1_000


def one(fast: int, slow: int) -> Outcome:
    return _matrix([(fast, slow)])


def sweep(pairs: Sequence[tuple[int, int]]) -> Outcome:
    outcome = Outcome(0, CAPITAL)
    for first in range(0, len(pairs), COLUMNS):
        outcome = _matrix(pairs[first : first + COLUMNS])
    return outcome


def _matrix(pairs: Sequence[tuple[int, int]]) -> Outcome:
    fast, slow = (
        vectorbt.MA.run(CLOSE, window=[pair[place] for pair in pairs], short_name=name)
        for place, name in enumerate(("fast", "slow"))
    )
    done = vectorbt.Portfolio.from_signals(
        CLOSE,
        entries=_tomorrow(fast.ma_crossed_above(slow)),
        exits=_tomorrow(fast.ma_crossed_below(slow)),
        price=OPEN,
        size=PART,
        size_type="percent",
        size_granularity=1,
        fees=COMMISSION,
        init_cash=CAPITAL,
        direction="longonly",
        freq="1D",
    )
    figures = [done.total_return(), done.sharpe_ratio(), done.sortino_ratio(), done.max_drawdown()]
    last = pd.Series(figures[0]).iloc[-1]
    trades = pd.Series(done.trades.count()).iloc[-1]
    return Outcome(int(trades), float(CAPITAL * (1.0 + last)))


def _tomorrow(signals: Any) -> Any:
    return signals.vbt.signals.fshift(1)
