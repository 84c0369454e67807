"""The engine against backtrader 1.9: they may differ only where a stop or target is touched in the entry bar.

backtrader knows of a fill only after its bar, so a stop or target that hangs on the fill price begins to act in
the bar after the entry. The engine lets it act at once, as a live stop would.
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
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.core.signals import Signals
from tradedesk.core.sizing import order_quantity

CAPITAL = 1_000_000.0  # so much that the size never depends on what came before
BUDGET = 20_000.0
SETTINGS = {
    "signals alone": (RiskRules(stop_loss_pct=0.99, max_position_size=BUDGET), Costs()),
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
class Done:
    """A trade as both sides tell it."""

    entry_row: int
    exit_row: int
    quantity: float
    entry_price: float
    exit_price: float


# The peer has no types.
class Peer(bt.Strategy):  # type: ignore[misc]
    """Trades `side` with market orders; on a fill it hangs a stop and, if told to, a limit on the price."""

    params = (("side", None), ("rules", None))

    def __init__(self) -> None:
        self.done: list[Done] = []
        self.entry: Any = None
        self.waiting: list[Any] = []

    def notify_order(self, order: Any) -> None:
        if order.status != order.Completed:
            return
        row, price = len(self) - 1, order.executed.price
        if order.isbuy():
            self.entry = (row, order.executed.size, price)
            stop = fills.stop_price(price, self.p.rules.stop_loss_pct)
            self.waiting = [self.sell(size=order.executed.size, exectype=bt.Order.Stop, price=stop)]
            if self.p.rules.take_profit_pct:
                target = fills.target_price(price, self.p.rules.take_profit_pct)
                self.waiting.append(
                    self.sell(size=order.executed.size, exectype=bt.Order.Limit, price=target, oco=self.waiting[0])
                )
        else:
            entry_row, size, entry_price = self.entry
            self.done.append(Done(entry_row, row, size, entry_price, price))

    def next(self) -> None:
        t = len(self) - 1
        if self.p.side[t] < 0 and self.position:
            for order in self.waiting:
                self.cancel(order)
            self.close()
        elif self.p.side[t] > 0 and not self.position:
            shares = order_quantity(CAPITAL, self.data.close[0], 0.95, BUDGET, False)
            if shares:
                self.buy(size=shares)


def peers_trades(bars: Bars, side: Any, rules: RiskRules, costs: Costs) -> list[Done]:
    columns = {"open": bars.open, "high": bars.high, "low": bars.low, "close": bars.close, "volume": bars.volume}
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=pd.DataFrame(columns, index=pd.DatetimeIndex(bars.time))))
    cerebro.addstrategy(Peer, side=side, rules=rules)
    cerebro.broker.setcash(CAPITAL)
    cerebro.broker.set_checksubmit(False)  # else an order cannot be cancelled in the bar that placed it
    cerebro.broker.setcommission(commission=costs.commission_bps / 1e4)
    if costs.slippage_bps:
        cerebro.broker.set_slippage_perc(costs.slippage_bps / 1e4, slip_match=True, slip_out=True)
    done: list[Done] = cerebro.run()[0].done
    return done


def engines_trades(bars: Bars, side: Any, rules: RiskRules, costs: Costs) -> list[Done]:
    signals = {"X": Signals(side, np.ones(len(side)))}
    closed = run({"X": bars}, signals, capital=CAPITAL, rules=rules, costs=costs).closed
    names = ("entry_row", "exit_row", "quantity", "entry_price", "exit_price")
    return [Done(*(lot[name].item() for name in names)) for lot in closed]


def touched_rows(done: list[Done]) -> list[int]:
    """The entry bars in which the lot was sold again."""
    return [trade.entry_row for trade in done if trade.exit_row == trade.entry_row]


def assert_same(ours: list[Done], theirs: list[Done]) -> None:
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine.entry_row, mine.exit_row, mine.quantity) == (other.entry_row, other.exit_row, other.quantity)
        assert mine.entry_price == pytest.approx(other.entry_price, abs=2e-6)
        assert mine.exit_price == pytest.approx(other.exit_price, abs=2e-6)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", [*STOCKS, *SEEDS])
def test_trades_differ_only_where_the_entry_bar_touches_a_stop_or_target(name: Series, setting: str) -> None:
    bars, side = series_of(name)
    ours = engines_trades(bars, side, *SETTINGS[setting])
    theirs = peers_trades(bars, side, *SETTINGS[setting])
    assert touched_rows(theirs) == []
    # up to the first such entry bar nothing differs
    parted = min(touched_rows(ours), default=len(bars))
    assert_same(
        [done for done in ours if done.entry_row < parted], [done for done in theirs if done.entry_row < parted]
    )
    # without such entry bars nothing differs at all: both are given bars in which each is flat at its open
    calm = replace(bars, high=bars.high.copy(), low=bars.low.copy(), close=bars.close.copy())
    while rows := touched_rows(ours := engines_trades(calm, side, *SETTINGS[setting])):
        for column in (calm.high, calm.low, calm.close):
            column[rows] = calm.open[rows]
    if parted < len(bars):
        assert_same(ours, peers_trades(calm, side, *SETTINGS[setting]))


def test_the_comparison_meets_touched_entry_bars_and_without_stops_never() -> None:
    touched = {
        name: sum(len(touched_rows(engines_trades(*series_of(seed), *setting))) for seed in SEEDS)
        for name, setting in SETTINGS.items()
    }
    assert touched["signals alone"] == 0
    assert touched["stops and slippage"] > 20
    assert touched["stops and targets"] > 20
