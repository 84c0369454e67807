"""The engine against the reference engine: portfolios of nine symbols with shared cash, trade for trade."""

from typing import Any

import numpy as np
import pytest

from backtests.engine.results import Result
from backtests.engine.run import run
from tests.backtests.reference import ReferenceEngine
from tests.backtests.series import SEEDS, series_of
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.core.signals import Signals

CAPITAL = 1_000_000.0
COSTS = Costs(commission_per_order=1.0, commission_bps=5.0, slippage_bps=10.0)
NO_STOP: dict[str, Any] = {"stop_loss_pct": None, "max_positions": 1000}
PLENTY = RiskRules(position_size_pct=1.0, max_position_size=20_000.0, **NO_STOP)
SCARCE = RiskRules(position_size_pct=0.3, **NO_STOP)
TRAILING = RiskRules(position_size_pct=0.3, trailing_stop_atr=1.5, **NO_STOP)
SETTINGS = {
    "cash for all": (PLENTY, Costs()),
    "cash for all, with costs": (PLENTY, COSTS),
    "cash for three at a time": (SCARCE, Costs()),
    "cash for three at a time, with costs": (SCARCE, COSTS),
    "trailing stops by ATR": (TRAILING, COSTS),
}


def both(rules: RiskRules, costs: Costs) -> tuple[Result, ReferenceEngine]:
    bars, signals = {}, {}
    for place, name in enumerate(SEEDS[:9]):
        own, side = series_of(name)
        bars[f"S{name}"] = own
        # Strengths that differ, so that the order of the symbols is not the order of the entries.
        signals[f"S{name}"] = Signals(side, np.full(len(side), 1.0 - place % 4 / 10))
    reference = ReferenceEngine(bars, signals, CAPITAL, rules, costs)
    reference.run()
    return run(bars, signals, capital=CAPITAL, rules=rules, costs=costs), reference


@pytest.mark.parametrize("setting", SETTINGS)
def test_not_one_trade_of_a_portfolio_with_shared_cash_differs(setting: str) -> None:
    ours, reference = both(*SETTINGS[setting])
    closed = sorted((lot for lot in reference.lots if lot.sold), key=lambda lot: str(lot.sold))

    assert len(closed) > 100
    assert [
        (t.symbol, t.quantity, t.entry_time.replace(tzinfo=None), t.entry_price, t.exit_price) for t in ours.trades
    ] == [(lot.symbol, lot.quantity, lot.bought, lot.entry_price, lot.exit_price) for lot in closed]
    assert [t.exit_time.replace(tzinfo=None) for t in ours.trades] == [lot.sold for lot in closed]
    assert [(p.symbol, p.quantity) for p in ours.open_positions] == [
        (lot.symbol, lot.quantity) for lot in reference.lots if not lot.sold
    ]
    assert ours.equity.tolist() == list(reference.equity.values())
    assert ours.cash == reference.cash


def test_the_comparison_covers_cash_that_runs_short() -> None:
    """Guards the test above: with scarce cash some entries are cut down, with plenty none are."""
    smallest = [
        min(lot.quantity * lot.entry_price for lot in both(rules, Costs())[1].lots) for rules in (PLENTY, SCARCE)
    ]
    assert smallest[0] > 15_000.0
    assert smallest[1] < 1_000.0
