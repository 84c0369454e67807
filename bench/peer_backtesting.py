"""backtesting.py, as its documentation has it: one run gives the trades and its own statistics."""

import warnings
from collections.abc import Sequence

import pandas as pd
import talib
from backtesting import Backtest, Strategy
from backtesting.lib import crossover

from bench.task import CAPITAL, COMMISSION, PART, SYMBOL, Outcome
from tradedesk.marketdata.samples import sample_bars

_bars = sample_bars(SYMBOL)
FRAME = pd.DataFrame(
    {"Open": _bars.open, "High": _bars.high, "Low": _bars.low, "Close": _bars.close, "Volume": _bars.volume},
    index=pd.DatetimeIndex(_bars.time),
)
warnings.simplefilter("ignore")  # it warns of the position that is open at the end


# The peer has no types.
class SmaCross(Strategy):  # type: ignore[misc]
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


def one(fast: int, slow: int) -> Outcome:
    return sweep([(fast, slow)])


def sweep(pairs: Sequence[tuple[int, int]]) -> Outcome:
    test = Backtest(FRAME, SmaCross, cash=CAPITAL, commission=COMMISSION)
    outcome = Outcome(0, CAPITAL)
    for fast, slow in pairs:
        done = test.run(fast=fast, slow=slow)
        outcome = Outcome(len(done["_trades"]) + len(done["_strategy"].trades), done["Equity Final [$]"])
    return outcome
