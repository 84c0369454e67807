"""backtesting.py, as in its documentation: one run gives the trades and its statistics."""

import warnings
from collections.abc import Sequence

import pandas as pd
import talib
from backtesting import Backtest, Strategy
from backtesting.lib import crossover

from bench.task import CAPITAL, COMMISSION, PAIR, PART, SLOWER, Outcome, Pair, daily, minutes
from tradedesk.core.bars import Bars

warnings.simplefilter("ignore")  # about the open position at the end


class SmaCross(Strategy):  # type: ignore[misc]  # the library has no types
    fast = 10
    slow = 30

    def init(self) -> None:
        self.fast_average = self.I(talib.SMA, self.data.Close, self.fast)
        self.slow_average = self.I(talib.SMA, self.data.Close, self.slow)

    def next(self) -> None:
        if crossover(self.fast_average, self.slow_average):
            self.buy(size=PART)
        elif crossover(self.slow_average, self.fast_average):
            self.position.close()


def single() -> Outcome:
    return run(daily(), [PAIR])


def million() -> Outcome:
    return run(minutes(), [SLOWER])


def sweep(pairs: Sequence[Pair]) -> Outcome:
    return run(daily(), pairs)


def run(bars: Bars, pairs: Sequence[Pair]) -> Outcome:
    frame = pd.DataFrame(
        {"Open": bars.open, "High": bars.high, "Low": bars.low, "Close": bars.close, "Volume": bars.volume},
        index=pd.DatetimeIndex(bars.time),
    )
    test = Backtest(frame, SmaCross, cash=CAPITAL, commission=COMMISSION)
    for fast, slow in pairs:
        done = test.run(fast=fast, slow=slow)
    return Outcome(len(done["_trades"]) + len(done["_strategy"].trades), done["Equity Final [$]"])
