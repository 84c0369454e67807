"""backtrader, as in its documentation: a cerebro with a strategy, two indicators and its analyzers."""

import backtrader
import pandas as pd

from bench.task import CAPITAL, COMMISSION, PAIR, PART, Outcome, daily


class SmaCross(backtrader.Strategy):  # type: ignore[misc]  # the library has no types
    def __init__(self) -> None:
        fast, slow = (backtrader.indicators.SMA(period=period) for period in PAIR)
        self.cross = backtrader.indicators.CrossOver(fast, slow)

    def next(self) -> None:
        if self.cross > 0:
            self.buy(size=int(PART * self.broker.getvalue() / self.data.close[0]))
        elif self.cross < 0:
            self.close()


def single() -> Outcome:
    bars = daily()
    frame = pd.DataFrame(
        {"open": bars.open, "high": bars.high, "low": bars.low, "close": bars.close, "volume": bars.volume},
        index=pd.DatetimeIndex(bars.time),
    )
    cerebro = backtrader.Cerebro()
    cerebro.adddata(backtrader.feeds.PandasData(dataname=frame))
    cerebro.addstrategy(SmaCross)
    cerebro.broker.setcash(CAPITAL)
    cerebro.broker.setcommission(COMMISSION)
    for analyzer in (backtrader.analyzers.SharpeRatio, backtrader.analyzers.DrawDown):
        cerebro.addanalyzer(analyzer)
    cerebro.addanalyzer(backtrader.analyzers.TradeAnalyzer, _name="trades")
    (done,) = cerebro.run()
    return Outcome(done.analyzers.trades.get_analysis().total.total, cerebro.broker.getvalue())
