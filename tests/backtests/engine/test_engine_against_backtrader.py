"""The engine against backtrader 1.9: they differ only when the entry bar touches the stop or the target.

backtrader reports a fill after its bar, so a stop or target from the fill price is active from the bar after the
entry on. In the engine it is active immediately, like a live stop.
"""

from dataclasses import dataclass, replace
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from backtests.engine.run import run
from tests.backtests.series import SEEDS, STOCKS, Series, series_of
from tradedesk.core import fills
from tradedesk.core.bars import Bars
from tradedesk.core.rules import Costs, RiskRules, kernel_rules
from tradedesk.core.signals import Signals
from tradedesk.core.sizing import order_quantity

CAPITAL = 1_000_000.0  # so large that the size never depends on earlier trades
BUDGET = 20_000.0
SETTINGS = {
    "signals only": (RiskRules(stop_loss_pct=0.99, max_position_size=BUDGET), Costs()),
    "stops and slippage": (
        RiskRules(stop_loss_pct=0.04, max_position_size=BUDGET),
        Costs(slippage_bps=10.0, commission_bps=5.0),
    ),
    "stops and targets": (
        RiskRules(stop_loss_pct=0.03, take_profit_pct=0.05, max_position_size=BUDGET),
        Costs(commission_bps=5.0),
    ),
}


@dataclass(frozen=True)
class ClosedTrade:
    """The fields of a trade that both engines report."""

    entry_row: int
    exit_row: int
    quantity: float
    entry_price: float
    exit_price: float


# The library has no types.
class PeerStrategy(bt.Strategy):  # type: ignore[misc]
    """Trades `side` with market orders; after a fill it places a stop order and, with a take profit, a limit
    order.
    """

    params = (("side", None), ("rules", None))

    def __init__(self) -> None:
        self.done: list[ClosedTrade] = []
        self.entry: Any = None
        self.protective: list[Any] = []

    def notify_order(self, order: Any) -> None:
        if order.status != order.Completed:
            return
        row, price = len(self) - 1, order.executed.price
        if order.isbuy():
            self.entry = (row, order.executed.size, price)
            stop = fills.stop_price(price, self.p.rules.stop_loss_pct)
            self.protective = [self.sell(size=order.executed.size, exectype=bt.Order.Stop, price=stop)]
            if self.p.rules.take_profit_pct:
                target = fills.target_price(price, self.p.rules.take_profit_pct)
                self.protective.append(
                    self.sell(
                        size=order.executed.size, exectype=bt.Order.Limit, price=target, oco=self.protective[0]
                    )
                )
        else:
            entry_row, size, entry_price = self.entry
            self.done.append(ClosedTrade(entry_row, row, size, entry_price, price))

    def next(self) -> None:
        t = len(self) - 1
        if self.p.side[t] < 0 and self.position:
            for order in self.protective:
                self.cancel(order)
            self.close()
        elif self.p.side[t] > 0 and not self.position:
            shares = order_quantity(CAPITAL, self.data.close[0], kernel_rules(self.p.rules, Costs()))
            if shares:
                self.buy(size=shares)


def peer_trades(bars: Bars, side: Any, rules: RiskRules, costs: Costs) -> list[ClosedTrade]:
    columns = {"open": bars.open, "high": bars.high, "low": bars.low, "close": bars.close, "volume": bars.volume}
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=pd.DataFrame(columns, index=pd.DatetimeIndex(bars.time))))
    cerebro.addstrategy(PeerStrategy, side=side, rules=rules)
    cerebro.broker.setcash(CAPITAL)
    cerebro.broker.set_checksubmit(False)  # so that an order can be cancelled in the bar that placed it
    cerebro.broker.setcommission(commission=costs.commission_bps / 1e4)
    if costs.slippage_bps:
        cerebro.broker.set_slippage_perc(costs.slippage_bps / 1e4, slip_match=True, slip_out=True)
    done: list[ClosedTrade] = cerebro.run()[0].done
    return done


def engine_trades(bars: Bars, side: Any, rules: RiskRules, costs: Costs) -> list[ClosedTrade]:
    signals = {"X": Signals(side, np.ones(len(side)))}
    closed = run({"X": bars}, signals, capital=CAPITAL, rules=rules, costs=costs).closed
    names = ("entry_row", "exit_row", "quantity", "entry_price", "exit_price")
    return [ClosedTrade(*(lot[name].item() for name in names)) for lot in closed]


def same_bar_exits(trades: list[ClosedTrade]) -> list[int]:
    """The entry bars in which the lot was sold again."""
    return [trade.entry_row for trade in trades if trade.exit_row == trade.entry_row]


def assert_equal(ours: list[ClosedTrade], theirs: list[ClosedTrade]) -> None:
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine.entry_row, mine.exit_row, mine.quantity) == (other.entry_row, other.exit_row, other.quantity)
        assert mine.entry_price == pytest.approx(other.entry_price, abs=2e-6)
        assert mine.exit_price == pytest.approx(other.exit_price, abs=2e-6)


@pytest.mark.each_value
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", [*STOCKS, *SEEDS])
def test_trades_differ_only_where_the_entry_bar_touches_a_stop_or_target(name: Series, setting: str) -> None:
    bars, side = series_of(name)
    ours = engine_trades(bars, side, *SETTINGS[setting])
    theirs = peer_trades(bars, side, *SETTINGS[setting])
    assert same_bar_exits(theirs) == []
    # The trades before the first such bar are equal.
    first = min(same_bar_exits(ours), default=len(bars))
    assert_equal(
        [trade for trade in ours if trade.entry_row < first],
        [trade for trade in theirs if trade.entry_row < first],
    )
    # With these entry bars made flat at their open, all trades are equal.
    flattened = replace(bars, high=bars.high.copy(), low=bars.low.copy(), close=bars.close.copy())
    while rows := same_bar_exits(ours := engine_trades(flattened, side, *SETTINGS[setting])):
        for column in (flattened.high, flattened.low, flattened.close):
            column[rows] = flattened.open[rows]
    if first < len(bars):
        assert_equal(ours, peer_trades(flattened, side, *SETTINGS[setting]))


def test_the_comparison_has_exits_in_the_entry_bar_and_none_without_stops() -> None:
    same_bar = {
        name: sum(len(same_bar_exits(engine_trades(*series_of(seed), *setting))) for seed in SEEDS)
        for name, setting in SETTINGS.items()
    }
    assert same_bar["signals only"] == 0
    assert same_bar["stops and slippage"] > 20
    assert same_bar["stops and targets"] > 20
