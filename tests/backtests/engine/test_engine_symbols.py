"""The rules of a backtest in cases computed by hand: several symbols that share cash."""

from backtests.engine.run import run
from tests.backtests.scripted import bars_of, day, days, flat, run_many, signals_of
from tradedesk.core.rules import Costs, RiskRules


def test_entries_share_the_cash_by_strength_then_symbol() -> None:
    rows = {symbol: [*flat(10), (12.0, 12.0, 12.0, 12.0)] for symbol in ("C", "B", "A")}
    result = run_many(rows, {"A": {0: 0.7}, "B": {0: 0.9}, "C": {0: 0.7}})
    # 500 shares each are ordered at 10; at 12 the cash buys 833: all of B, the rest of A, none of C
    assert [(p.symbol, p.quantity) for p in result.open_positions] == [("B", 500.0), ("A", 333.0)]
    assert result.cash == 10_000 - 833 * 12


def test_exits_at_the_open_pay_for_entries_at_the_same_open() -> None:
    rows = {"A": flat(10, 10, 10), "B": flat(10, 10, 10)}
    result = run_many(rows, {"A": [0], "B": [1]}, {"A": [1]}, position_size_pct=1.0, max_positions=1)
    assert [(p.symbol, p.quantity) for p in result.open_positions] == [("B", 1_000.0)]


def test_the_cash_of_a_stop_cannot_pay_for_an_entry_at_the_open_of_the_bar() -> None:
    rows = {"A": [*flat(10, 10), (10, 10, 5, 5)], "B": flat(10, 10, 10)}
    result = run_many(rows, {"A": [0], "B": [1]}, position_size_pct=1.0, max_positions=2, stop_loss_pct=0.1)
    assert [trade.symbol for trade in result.trades] == ["A"]
    assert len(result.held) == 0, "A holds all the cash at the open"


def test_a_symbol_with_a_later_first_bar_trades_from_then_on() -> None:
    time = days(5)
    bars = {"OLD": bars_of(flat(10, 10, 10, 10, 10), time), "NEW": bars_of(flat(20, 20, 20), time[2:])}
    signals = {"OLD": signals_of(5, [0]), "NEW": signals_of(3, [0])}
    rules = RiskRules(position_size_pct=0.5, max_positions=2)
    result = run(bars, signals, capital=10_000.0, rules=rules, costs=Costs())
    assert [(p.symbol, p.quantity, p.entry_time) for p in result.open_positions] == [
        ("OLD", 500.0, day(1)),
        ("NEW", 250.0, day(3)),
    ]


def test_a_decision_waits_for_the_next_bar_of_its_own_symbol() -> None:
    time = days(6)
    present = [0, 3, 4, 5]  # X has no bar on days 1 and 2
    bars = {"X": bars_of(flat(10, 12, 13, 13), time[present]), "Y": bars_of(flat(*[10] * 6), time)}
    signals = {"X": signals_of(4, [0], [1]), "Y": signals_of(6)}
    rules = RiskRules(position_size_pct=0.5, stop_loss_pct=0.99)
    result = run(bars, signals, capital=10_000.0, rules=rules, costs=Costs())
    (trade,) = result.trades
    assert (trade.entry_time, trade.entry_price, trade.quantity) == (day(3), 12.0, 500.0)
    assert (trade.exit_time, trade.exit_price) == (day(4), 13.0)


def test_symbols_with_equal_numbers_of_bars_on_different_days_are_not_mixed() -> None:
    time = days(6)
    bars = {"ODD": bars_of(flat(10, 11, 12), time[::2]), "EVEN": bars_of(flat(20, 21, 22), time[1::2])}
    signals = {"ODD": signals_of(3, [0]), "EVEN": signals_of(3, [0], [1])}
    rules = RiskRules(position_size_pct=0.1, max_positions=2, stop_loss_pct=0.99)
    result = run(bars, signals, capital=10_000.0, rules=rules, costs=Costs())
    assert result.time.tolist() == time.tolist()
    assert [(p.symbol, p.entry_time, p.entry_price) for p in result.open_positions] == [("ODD", day(2), 11.0)]
    assert [(t.symbol, t.entry_time, t.exit_time, t.pnl) for t in result.trades] == [
        ("EVEN", day(3), day(5), 50.0)
    ]


def test_a_missing_bar_is_marked_at_the_last_close_and_touches_no_stop() -> None:
    time = days(5)
    bars = {"X": bars_of([*flat(10, 10), (8, 8, 8, 8)], time[[0, 1, 4]]), "Y": bars_of(flat(*[10] * 5), time)}
    signals = {"X": signals_of(3, [0]), "Y": signals_of(5)}
    rules = RiskRules(position_size_pct=0.5, stop_loss_pct=0.1)
    result = run(bars, signals, capital=10_000.0, rules=rules, costs=Costs())
    assert result.equity.tolist() == [10_000.0, 10_000.0, 10_000.0, 10_000.0, 9_000.0]
    assert [trade.exit_time for trade in result.trades] == [day(4)]


def test_an_ordered_entry_counts_as_a_position_and_an_ordered_exit_does_not() -> None:
    time = days(6)
    bars = {"X": bars_of(flat(10, 10, 10), time[[0, 3, 5]]), "Y": bars_of(flat(*[10] * 6), time)}
    rules = RiskRules(position_size_pct=0.4, max_positions=1)
    # the entry of X is ordered on day 0 and waits until day 3; Y is refused on day 1
    result = run(bars, {"X": signals_of(3, [0]), "Y": signals_of(6, [1])}, capital=1e4, rules=rules, costs=Costs())
    assert [position.symbol for position in result.open_positions] == ["X"]
    # the exit of X is ordered on day 3 and waits until day 5; Y may enter on day 4
    result = run(
        bars, {"X": signals_of(3, [0], [1]), "Y": signals_of(6, [4])}, capital=1e4, rules=rules, costs=Costs()
    )
    assert [trade.exit_time for trade in result.trades] == [day(5)]
    assert [(p.symbol, p.entry_time) for p in result.open_positions] == [("Y", day(5))]


def test_trades_are_in_the_order_of_their_exits() -> None:
    rows = {"A": flat(10, 10, 10, 10, 10), "B": flat(10, 10, 10, 10, 10)}
    result = run_many(rows, {"A": [0], "B": [1]}, {"A": [3], "B": [2]})
    assert [trade.symbol for trade in result.trades] == ["B", "A"]
