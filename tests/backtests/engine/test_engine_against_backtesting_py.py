"""The engine against backtesting.py 0.6: all trades are equal.

The other library gets the same signals and the sizes, stops and targets of tradedesk.core; fills, exits, cash and
equity are its own. Its slippage works differently, so slippage is compared with backtrader and with computed
cases.
"""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from backtesting import Backtest, Strategy

from backtests.engine.run import run
from tests.backtests.series import SEEDS, STOCKS, Series, series_of
from tradedesk.core import fills
from tradedesk.core.fills import ExitReason
from tradedesk.core.rules import Costs, RiskRules, kernel_rules
from tradedesk.core.signals import Signals
from tradedesk.core.sizing import order_quantity

CAPITAL = 100_000.0
SETTINGS = {
    "signals only": (RiskRules(stop_loss_pct=0.99), Costs()),
    "stops": (RiskRules(stop_loss_pct=0.04), Costs()),
    "stops and targets": (RiskRules(stop_loss_pct=0.03, take_profit_pct=0.05, position_size_pct=1.0), Costs()),
    "stops, targets and costs": (
        RiskRules(stop_loss_pct=0.05, take_profit_pct=0.08, max_position_size=60_000.0),
        Costs(commission_per_order=1.0, commission_per_share=0.005, commission_bps=5.0),
    ),
}


# The library has no types.
class PeerStrategy(Strategy):  # type: ignore[misc]
    """Trades `side` by the same rules as the engine."""

    side: Any = None
    rules: Any = None
    costs: Any = None

    def init(self) -> None:
        self.opens, self.closes = self.data.df["Open"].to_numpy(), self.data.df["Close"].to_numpy()

    def next(self) -> None:
        t = len(self.data) - 1
        if self.side[t] < 0 and self.position:
            self.position.close()
        elif self.side[t] > 0 and not self.position and t + 1 < len(self.closes):
            self._enter(t)

    def _enter(self, t: int) -> None:
        rules, costs = self.rules, self.costs
        shares = fills.affordable(
            order_quantity(self.equity, self.closes[t], kernel_rules(rules, costs)),
            self.opens[t + 1],
            self.equity,
            costs.commission_per_order,
            costs.commission_per_share,
            costs.commission_bps,
            False,
        )
        if shares:
            order = self.buy(size=shares)
            # Not in buy(), which would compare them with this close instead of the fill.
            order._replace(
                sl_price=fills.stop_price(self.opens[t + 1], rules.stop_loss_pct),
                tp_price=rules.take_profit_pct and fills.target_price(self.opens[t + 1], rules.take_profit_pct),
            )


def frame_of(name: Series) -> pd.DataFrame:
    bars, _ = series_of(name)
    columns = {"Open": bars.open, "High": bars.high, "Low": bars.low, "Close": bars.close, "Volume": bars.volume}
    return pd.DataFrame(columns, index=pd.DatetimeIndex(bars.time))


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", [*STOCKS, *SEEDS])
def test_all_trades_are_equal(name: Series, setting: str) -> None:
    bars, side = series_of(name)
    rules, costs = SETTINGS[setting]
    signals = Signals(side, np.ones(len(side)))
    ours = run({"X": bars}, {"X": signals}, capital=CAPITAL, rules=rules, costs=costs)

    def fee(shares: float, price: float) -> float:
        return (
            costs.commission_per_order
            + costs.commission_per_share * abs(shares)
            + costs.commission_bps / 1e4 * abs(shares) * price
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = Backtest(frame_of(name), PeerStrategy, cash=CAPITAL, commission=fee)
        theirs = peer.run(side=side, rules=rules, costs=costs)
    closed, still_open = theirs["_trades"], theirs["_strategy"].trades
    order = closed.sort_values(["ExitBar", "EntryBar"]).index
    closed = closed.loc[order]

    assert ours.closed["entry_row"].tolist() == closed["EntryBar"].tolist()
    assert ours.closed["exit_row"].tolist() == closed["ExitBar"].tolist()
    assert ours.closed["quantity"].tolist() == closed["Size"].tolist()
    assert ours.closed["entry_price"] == pytest.approx(closed["EntryPrice"].to_numpy(), abs=1e-6)
    assert ours.closed["exit_price"] == pytest.approx(closed["ExitPrice"].to_numpy(), abs=1e-6)
    assert ours.closed["commission"] == pytest.approx(closed["Commission"].to_numpy(), abs=1e-5)
    assert ours.closed["pnl"] == pytest.approx(closed["PnL"].to_numpy(), abs=0.01)
    assert [lot.quantity for lot in ours.open_positions] == [trade.size for trade in still_open]
    assert [bars.time.tolist().index(lot.entry_time.replace(tzinfo=None)) for lot in ours.open_positions] == [
        trade.entry_bar for trade in still_open
    ]
    assert ours.equity[1:] == pytest.approx(theirs["_equity_curve"]["Equity"].to_numpy()[1:], abs=0.05)
    if not still_open:
        assert ours.exposure * 100 == pytest.approx(theirs["Exposure Time [%]"])


def test_the_comparison_covers_every_kind_of_exit() -> None:
    """Guards the test above: its trades include gaps through stops and targets, exits in the entry bar and bars
    that touch both.
    """
    counts = {
        "stop at a gap": 0,
        "stop in the entry bar": 0,
        "target at a gap": 0,
        "target": 0,
        "both": 0,
        "signal": 0,
    }
    rules, costs = SETTINGS["stops and targets"]
    for seed in SEEDS:
        bars, side = series_of(seed)
        result = run(
            {"X": bars}, {"X": Signals(side, np.ones(len(side)))}, capital=CAPITAL, rules=rules, costs=costs
        )
        for trade, lot in zip(result.trades, result.closed, strict=True):
            row = lot["exit_row"]
            target = trade.target_price or np.inf
            counts["signal"] += trade.exit_reason is ExitReason.SIGNAL
            counts["target"] += trade.exit_reason is ExitReason.TAKE_PROFIT
            counts["target at a gap"] += trade.exit_reason is ExitReason.TAKE_PROFIT and bars.open[row] > target
            if trade.exit_reason is ExitReason.STOP_LOSS:
                counts["stop at a gap"] += bars.open[row] < trade.stop_price
                counts["stop in the entry bar"] += row == lot["entry_row"]
                counts["both"] += bars.high[row] >= target
    assert min(counts.values()) >= 5, counts
