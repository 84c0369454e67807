"""The rules of a backtest in cases computed by hand: refused entries."""

from typing import Any

import numpy as np

from backtests.engine.run import run
from tests.backtests.scripted import bars_of, day, flat, run_many, run_one, signals_of
from tradedesk.core.fills import ExitReason
from tradedesk.core.rules import Costs, RiskRules


def test_the_signal_threshold_applies_to_entries_only() -> None:
    assert len(run_one(flat(10, 10), buy={0: 0.59}).held) == 0
    assert len(run_one(flat(10, 10), buy={0: 0.6}).held) == 1
    rows = flat(10, 10, 10, 10)
    signals = signals_of(4, buy=[0], sell=[1])
    signals.strength[1] = 0.0
    result = run({"X": bars_of(rows)}, {"X": signals}, capital=1e4, rules=RiskRules(), costs=Costs())
    assert [trade.exit_reason for trade in result.trades] == [ExitReason.SIGNAL]


def test_max_positions_takes_the_strongest_then_the_first_by_name() -> None:
    rows = {symbol: flat(10, 10) for symbol in ("D", "A", "C", "B")}
    result = run_many(
        rows, {"A": {0: 0.7}, "B": {0: 0.8}, "C": {0: 0.9}, "D": {0: 0.8}}, max_positions=2, position_size_pct=0.1
    )
    assert [position.symbol for position in result.open_positions] == ["C", "B"]


def test_held_lots_count_as_positions_unless_an_exit_is_ordered() -> None:
    rows = {"A": flat(10, 10, 10, 10), "B": flat(10, 10, 10, 10)}
    result = run_many(rows, {"A": [0], "B": [1]}, max_positions=1)
    assert [position.symbol for position in result.open_positions] == ["A"], "B is refused while A is held"
    result = run_many(rows, {"A": [0], "B": [1]}, {"A": [1]}, max_positions=1)
    assert [(trade.symbol, trade.exit_time) for trade in result.trades] == [("A", day(2))]
    assert [(p.symbol, p.entry_time) for p in result.open_positions] == [("B", day(2))]


def test_the_daily_loss_limit_refuses_entries_until_the_next_session() -> None:
    # A loses 100 in session 2: 0.1 x 10,000 / 10 = 100 shares, 10 -> 9
    rows = {"A": flat(10, 10, 9, 9, 9), "B": flat(10, 10, 10, 10, 10)}
    at: dict[str, Any] = {"max_positions": 2, "position_size_pct": 0.1}
    assert run_many(rows, {"A": [0], "B": [2]}, **at, daily_loss_limit=100.0).held["symbol"].tolist() == [0]
    assert run_many(rows, {"A": [0], "B": [2]}, **at, daily_loss_limit=100.01).held["symbol"].tolist() == [0, 1]
    assert run_many(rows, {"A": [0], "B": [3]}, **at, daily_loss_limit=100.0).held["symbol"].tolist() == [0, 1]


def test_the_daily_loss_is_measured_from_the_end_of_the_previous_session() -> None:
    # five-minute bars: three in the first session, three in the second
    time = np.array([f"2024-01-{day_}T15:{minute}" for day_ in ("02", "03") for minute in (30, 35, 40)], "M8[us]")
    rows = flat(10, 10, 10.5, 10.2, 10.2, 10.2)
    bars = {"A": bars_of(rows, time), "B": bars_of(flat(*[10] * 6), time)}
    signals = {"A": signals_of(6, [0]), "B": signals_of(6, [4])}
    rules: dict[str, Any] = {"max_positions": 2, "position_size_pct": 0.1, "stop_loss_pct": 0.99}

    def symbols_held(limit: float) -> list[int]:
        result = run(bars, signals, capital=1e4, rules=RiskRules(**rules, daily_loss_limit=limit), costs=Costs())
        held: list[int] = result.held["symbol"].tolist()
        return held

    # 10,050 at the end of the first session, 10,020 after two bars of the second: a loss of 30 in the session
    assert symbols_held(30.0) == [0]
    assert symbols_held(30.01) == [0, 1]


def test_the_daily_loss_of_the_first_session_is_measured_from_the_capital() -> None:
    time = np.array(["2024-01-02T15:30", "2024-01-02T15:35", "2024-01-02T15:40", "2024-01-02T15:45"], "M8[us]")
    bars = {"A": bars_of(flat(10, 10, 9, 9), time), "B": bars_of(flat(10, 10, 10, 10), time)}
    signals = {"A": signals_of(4, [0]), "B": signals_of(4, [2])}
    rules = RiskRules(position_size_pct=0.1, max_positions=2, daily_loss_limit=100.0, stop_loss_pct=0.99)
    assert run(bars, signals, capital=1e4, rules=rules, costs=Costs()).held["symbol"].tolist() == [0]


def test_the_max_drawdown_limit_refuses_entries_and_not_exits() -> None:
    # 100 shares of A: equity 10,000, 11,000 at the peak, 9,900 at the bottom, a drawdown of 10%
    rows = {"A": flat(10, 10, 20, 9, 9, 9), "B": flat(10, 10, 10, 10, 10, 10)}
    at: dict[str, Any] = {"position_size_pct": 0.1, "max_positions": 2}
    result = run_many(rows, {"A": [0], "B": [3]}, {"A": [4]}, **at, max_drawdown_pct=0.1)
    assert [trade.symbol for trade in result.trades] == ["A"]
    assert len(result.held) == 0
    result = run_many(rows, {"A": [0], "B": [3]}, {"A": [4]}, **at, max_drawdown_pct=0.1001)
    assert [position.symbol for position in result.open_positions] == ["B"]


def test_the_capital_is_the_first_peak() -> None:
    rows = {"A": flat(10, 10, 5), "B": flat(10, 10, 10, 10)[:3]}
    at: dict[str, Any] = {"position_size_pct": 1.0, "max_positions": 2}
    # a loss in the entry bar: the equity is never above the capital
    rows["A"][1] = (10, 10, 8, 8)
    assert run_many(rows, {"A": [0], "B": [1]}, **at, max_drawdown_pct=0.2).held["symbol"].tolist() == [0]
    # at 0.21 B may enter, but A holds all the cash
    assert run_many(rows, {"A": [0], "B": [1]}, **at, max_drawdown_pct=0.21).cash == 0.0
