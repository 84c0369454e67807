"""The rules of a backtest in cases computed by hand: refused entries."""

from typing import Any

import numpy as np

from backtests.engine.run import run
from tests.backtests.scripted import bars_of, day, days, flat, run_many, run_one, signals_of
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


def test_a_daily_loss_limit_that_was_reached_stays_reached_until_the_next_session() -> None:
    # Bars of five minutes. A loses 100 in the third bar, wins it back in the fourth, and loses 50 in the second
    # session.
    moments = [("02", m) for m in (30, 35, 40, 45, 50)] + [("03", m) for m in (30, 35)]
    time = np.array([f"2024-01-{day_}T15:{minute}" for day_, minute in moments], "M8[us]")
    bars = {"A": bars_of(flat(10, 10, 9, 10, 10, 9.5, 9.5), time), "B": bars_of(flat(*[10] * 7), time)}
    rules: dict[str, Any] = {"max_positions": 2, "position_size_pct": 0.1, "stop_loss_pct": 0.99}

    def outcome(row: int, limit: float) -> str:
        signals = {"A": signals_of(7, [0]), "B": signals_of(7, [row])}
        result = run(bars, signals, capital=1e4, rules=RiskRules(**rules, daily_loss_limit=limit), costs=Costs())
        return "daily_loss" if result.buy_signals["daily_loss"] else "filled"

    assert [outcome(row, 100.0) for row in range(1, 6)] == ["filled", *["daily_loss"] * 3, "filled"]
    assert [outcome(row, 100.01) for row in range(1, 6)] == ["filled"] * 5


def test_after_a_loss_there_is_no_entry_in_the_symbol_for_the_bars_of_the_cooldown() -> None:
    # A is bought in bar 1 at 10 and sold in bar 3 at 9; B is bought and sold with it, at a gain.
    rows = {"A": flat(10, 10, 10, *[9] * 7), "B": flat(10, 10, 10, *[11] * 7)}
    at: dict[str, Any] = {"position_size_pct": 0.1, "max_positions": 2}

    def bought_again(cooldown: int | None) -> list[list[Any]]:
        """The bars in which each is bought, with a BUY at the close of every bar from the sale on."""
        buys = {symbol: [0, *range(3, 9)] for symbol in rows}
        result = run_many(rows, buys, {"A": [2], "B": [2]}, **at, cooldown_bars=cooldown)
        return [result.held["entry_row"][result.held["symbol"] == s].tolist() for s in (0, 1)]

    assert [bought_again(cooldown) for cooldown in (None, 1, 2, 5)] == [
        [[4], [4]],
        [[5], [4]],
        [[6], [4]],
        [[9], [4]],
    ]
    assert bought_again(6) == [[], [4]]


def test_a_stop_begins_the_cooldown_and_only_the_bars_of_the_symbol_count() -> None:
    # A stops out in bar 2 and has no bar 3: with a cooldown of 2 its bars 2 and 4 are refused.
    days_ = days(7)
    rows = [(10, 10, 10, 10), (10, 10, 10, 10), (10, 10, 8, 9), (9, 9, 9, 9), (9, 9, 9, 9), (9, 9, 9, 9)]
    bars = {"A": bars_of(rows, days_[[0, 1, 2, 4, 5, 6]]), "B": bars_of(flat(*[10] * 7), days_)}
    signals = {"A": signals_of(6, [0, 2, 3, 4]), "B": signals_of(7)}
    rules = RiskRules(position_size_pct=0.1, stop_loss_pct=0.1, cooldown_bars=2)
    result = run(bars, signals, capital=1e4, rules=rules, costs=Costs())
    assert [trade.exit_reason for trade in result.trades] == [ExitReason.STOP_LOSS]
    assert [position.entry_time for position in result.open_positions] == [day(6)]
    assert result.buy_signals["cooldown"] == 2


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
