"""Every line of the backtest semantics as a case computed by hand."""

from typing import Any

import numpy as np
import pytest

from backtests.engine import run
from backtests.results import Result
from tests.backtests.scripted import Row, bars_of, day, days, flat, run_one, signals_of
from tradedesk.core.fills import ExitReason
from tradedesk.core.rules import Costs, RiskRules


def run_many(
    rows: dict[str, list[Row]],
    buy: dict[str, Any],
    sell: dict[str, Any] | None = None,
    *,
    capital: float = 10_000.0,
    costs: Costs | None = None,
    **rules: Any,
) -> Result:
    settings = {"position_size_pct": 0.5, "max_positions": 10, "stop_loss_pct": 0.99} | rules
    return run(
        {symbol: bars_of(own) for symbol, own in rows.items()},
        {
            symbol: signals_of(len(own), buy.get(symbol, ()), (sell or {}).get(symbol, ()))
            for symbol, own in rows.items()
        },
        capital=capital,
        rules=RiskRules(**settings),
        costs=costs or Costs(),
    )


# A decision at a close acts in the next bar


def test_a_buy_and_a_sell_fill_at_the_open_of_the_bar_after() -> None:
    rows = [(10, 10, 10, 10), (11, 13, 11, 12), (12, 14, 12, 13), (15, 16, 15, 16), (17, 17, 17, 17)]
    result = run_one(rows, buy=[0], sell=[2], capital=1_000.0)
    (trade,) = result.trades
    assert trade.symbol == "X"
    assert trade.quantity == 90, "100 at the close of 10, but cash affords 90 at the open of 11"
    assert (trade.entry_time, trade.entry_price) == (day(1), 11.0)
    assert (trade.exit_time, trade.exit_price, trade.exit_reason) == (day(3), 15.0, ExitReason.SIGNAL)
    assert (trade.pnl, trade.commission) == (360.0, 0.0)
    assert trade.return_pct == pytest.approx(360 / 990)
    assert result.equity.tolist() == [1_000.0, 10 + 90 * 12, 10 + 90 * 13, 1_360.0, 1_360.0]
    assert result.cash == 1_360.0
    assert result.exposure == 3 / 5
    assert result.time.tolist() == days(5).tolist()


def test_a_decision_at_the_last_bar_fills_nothing() -> None:
    result = run_one(flat(10, 10), buy=[1])
    assert (result.trades, result.open_positions, result.cash) == ([], [], 10_000.0)


def test_a_buy_while_holding_and_a_sell_without_holding_do_nothing() -> None:
    result = run_one(flat(10, 10, 10, 10, 10, 10), buy=[1, 2], sell=[0, 4], position_size_pct=0.1)
    assert [(trade.quantity, trade.entry_time) for trade in result.trades] == [(100.0, day(2))]


def test_the_bar_that_sells_can_decide_to_buy_again() -> None:
    result = run_one(flat(10, 10, 10, 10, 10), buy=[0, 2], sell=[1])
    assert [trade.exit_time for trade in result.trades] == [day(2)]
    assert [position.entry_time for position in result.open_positions] == [day(3)]


def test_an_open_position_stays_open_and_is_marked_apart() -> None:
    costs = Costs(commission_per_order=2.0)
    result = run_one(flat(10, 10, 12), buy=[0], costs=costs, position_size_pct=0.5, take_profit_pct=1.0)
    assert result.trades == []
    (position,) = result.open_positions
    assert (position.symbol, position.quantity, position.entry_price) == ("X", 500.0, 10.0)
    assert (position.entry_time, position.last_price, position.commission) == (day(1), 12.0, 2.0)
    assert (position.stop_price, position.target_price) == (0.1, 20.0)
    assert position.unrealized_pnl == 500 * 2 - 2.0
    assert result.cash == 10_000 - 5_000 - 2
    assert result.equity.tolist() == [10_000.0, 9_998.0, 10_998.0]


# Size


def test_size_is_decided_at_the_close_of_the_signal() -> None:
    # 0.5 x 10,000 / 20 = 250 shares, whatever the next open of 10 would have bought
    assert run_one([(20, 20, 20, 20), (10, 10, 10, 10)], buy=[0], position_size_pct=0.5).held["quantity"] == [250]


def test_size_follows_the_equity_not_the_capital() -> None:
    result = run_one(flat(10, 10, 20, 20, 10, 10), buy=[0, 4], sell=[2], position_size_pct=0.5)
    assert result.trades[0].quantity == 500, "0.5 x 10,000 / 10"
    assert result.held["quantity"] == [750], "0.5 x 15,000 / 10"


def test_a_position_is_worth_max_position_size_at_most() -> None:
    assert run_one(flat(10, 10), buy=[0], max_position_size=1_234.0).held["quantity"] == [123]


def test_shares_are_whole_unless_fractional() -> None:
    assert run_one(flat(30, 30), buy=[0], capital=1_000.0).held["quantity"] == [33]
    assert run_one(flat(30, 30), buy=[0], capital=1_000.0, fractional=True).held["quantity"] == [33.333333]


def test_an_order_of_no_share_is_not_placed() -> None:
    result = run_one(flat(10_001, 5_000, 5_000), buy=[0])
    assert result.cash == 10_000.0
    assert len(result.held) == 0


def test_at_the_fill_the_order_is_cut_to_what_cash_affords_costs_included() -> None:
    rows = [(10, 10, 10, 10), (12.5, 12.5, 12.5, 12.5)]
    costs = Costs(commission_per_order=5.0, commission_per_share=0.1, commission_bps=100.0, slippage_bps=0.0)
    result = run_one(rows, buy=[0], capital=1_000.0, costs=costs)
    # (1000 - 5) / (12.5 x 1.01 + 0.1) = 78.19 shares; 78 x 12.5 + 5 + 7.8 + 9.75
    assert result.held["quantity"] == [78]
    assert result.cash == 2.45


def test_an_order_that_affords_no_share_is_dropped_for_good() -> None:
    result = run_one(flat(900, 1_001, 900, 900), buy=[0], capital=1_000.0)
    assert len(result.held) == 0
    assert result.equity.tolist() == [1_000.0] * 4


# Protective exits


def test_a_stop_fills_at_its_price_less_slippage() -> None:
    rows = [*flat(10), (10, 10, 10, 10), (9.5, 9.6, 8.9, 9.2)]
    result = run_one(rows, buy=[0], stop_loss_pct=0.1, position_size_pct=0.1, costs=Costs(slippage_bps=100.0))
    (trade,) = result.trades
    # bought at 10.1, stop at 9.09, sold at 9.09 x 0.99
    assert (trade.entry_price, trade.stop_price, trade.exit_price) == (10.1, 9.09, 8.9991)
    assert (trade.exit_reason, trade.exit_time) == (ExitReason.STOP_LOSS, day(2))
    assert trade.pnl == pytest.approx(100 * (8.9991 - 10.1), abs=1e-9)
    assert trade.r_multiple == pytest.approx((8.9991 - 10.1) / (10.1 - 9.09))


def test_a_gap_below_the_stop_fills_at_the_open() -> None:
    (trade,) = run_one([*flat(10, 10), (7, 8, 6, 8)], buy=[0], stop_loss_pct=0.1).trades
    assert (trade.exit_price, trade.exit_reason) == (7.0, ExitReason.STOP_LOSS)


def test_a_low_that_touches_the_stop_is_enough() -> None:
    (trade,) = run_one([*flat(10, 10), (10, 10, 9, 10)], buy=[0], stop_loss_pct=0.1).trades
    assert trade.exit_price == 9.0
    assert run_one([*flat(10, 10), (10, 10, 9.000001, 10)], buy=[0], stop_loss_pct=0.1).trades == []


def test_the_stop_acts_in_the_entry_bar_too() -> None:
    result = run_one([*flat(10), (10, 11, 8, 11)], buy=[0], stop_loss_pct=0.1)
    (trade,) = result.trades
    assert (trade.entry_time, trade.exit_time, trade.exit_price) == (day(1), day(1), 9.0)
    assert result.equity.tolist() == [10_000.0, 9_000.0]
    assert result.exposure == 0.5


def test_a_target_fills_at_its_price_without_slippage() -> None:
    rows = [*flat(10), (10, 10, 10, 10), (10, 13, 10, 12)]
    result = run_one(rows, buy=[0], take_profit_pct=0.2, position_size_pct=0.1, costs=Costs(slippage_bps=100.0))
    (trade,) = result.trades
    assert (trade.target_price, trade.exit_price, trade.exit_reason) == (12.12, 12.12, ExitReason.TAKE_PROFIT)


def test_a_gap_above_the_target_fills_at_the_open() -> None:
    (trade,) = run_one([*flat(10, 10), (14, 15, 13, 13)], buy=[0], take_profit_pct=0.2).trades
    assert (trade.exit_price, trade.exit_reason) == (14.0, ExitReason.TAKE_PROFIT)


def test_the_target_acts_in_the_entry_bar_too() -> None:
    (trade,) = run_one([*flat(10), (10, 12, 9.5, 11)], buy=[0], take_profit_pct=0.2, stop_loss_pct=0.1).trades
    assert (trade.entry_time, trade.exit_time, trade.exit_price) == (day(1), day(1), 12.0)


def test_both_touched_in_one_bar_is_the_stop() -> None:
    rows = [*flat(10, 10), (10, 13, 8, 12)]
    (trade,) = run_one(rows, buy=[0], stop_loss_pct=0.1, take_profit_pct=0.2).trades
    assert (trade.exit_price, trade.exit_reason) == (9.0, ExitReason.STOP_LOSS)


def test_a_signal_exit_at_the_open_comes_before_the_stop() -> None:
    rows = [*flat(10, 10, 10), (9.5, 9.5, 8, 8)]
    (trade,) = run_one(rows, buy=[0], sell=[2], stop_loss_pct=0.1).trades
    assert (trade.exit_price, trade.exit_reason) == (9.5, ExitReason.SIGNAL)


def test_stop_and_target_hang_on_the_fill_not_on_the_signal() -> None:
    rows = [*flat(10), (20, 20, 20, 20), (20, 20, 17, 19)]
    assert run_one(rows, buy=[0], stop_loss_pct=0.2, position_size_pct=0.1).trades == [], "stop at 16, not at 8"
    (trade,) = run_one(rows, buy=[0], stop_loss_pct=0.1, position_size_pct=0.1).trades
    assert (trade.stop_price, trade.exit_price) == (18.0, 18.0)


def test_a_stop_that_slippage_has_lifted_above_the_open_sells_at_the_open() -> None:
    # filled at 11 (10% slippage) the stop of 0.1% hangs at 10.989, above the open: sold at the open less 10%
    result = run_one(
        flat(10, 10), buy=[0], stop_loss_pct=0.001, costs=Costs(slippage_bps=1000.0), position_size_pct=0.1
    )
    (trade,) = result.trades
    assert (trade.entry_price, trade.stop_price, trade.exit_price) == (11.0, 10.989, 9.0)
    assert trade.r_multiple == pytest.approx(-2 / 0.011)


# Costs


@pytest.mark.parametrize(
    ("costs", "entry_fee", "exit_fee"),
    [
        (Costs(commission_per_order=7.0), 7.0, 7.0),
        (Costs(commission_per_share=0.01), 1.0, 1.0),
        (Costs(commission_bps=10.0), 1.0, 2.0),
        (Costs(commission_per_order=7.0, commission_per_share=0.01, commission_bps=10.0), 9.0, 10.0),
    ],
)
def test_commissions_are_paid_on_both_sides(costs: Costs, entry_fee: float, exit_fee: float) -> None:
    result = run_one(flat(10, 10, 20, 20), buy=[0], sell=[2], costs=costs, position_size_pct=0.1)
    (trade,) = result.trades
    assert trade.quantity == 100
    assert trade.commission == entry_fee + exit_fee
    assert trade.pnl == 1_000 - entry_fee - exit_fee
    assert trade.return_pct == pytest.approx(trade.pnl / (1_000 + entry_fee))
    assert result.cash == 10_000 + trade.pnl


def test_slippage_is_paid_on_both_sides_of_a_signal_trade() -> None:
    result = run_one(
        flat(10, 10, 10, 10), buy=[0], sell=[1], costs=Costs(slippage_bps=50.0), position_size_pct=0.1
    )
    (trade,) = result.trades
    assert (trade.entry_price, trade.exit_price, trade.pnl) == (10.05, 9.95, -10.0)


# Limits


def test_the_threshold_holds_for_entries_only() -> None:
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


def test_held_lots_count_but_for_those_about_to_be_sold() -> None:
    rows = {"A": flat(10, 10, 10, 10), "B": flat(10, 10, 10, 10)}
    result = run_many(rows, {"A": [0], "B": [1]}, max_positions=1)
    assert [position.symbol for position in result.open_positions] == ["A"], "B is refused while A is held"
    result = run_many(rows, {"A": [0], "B": [1]}, {"A": [1]}, max_positions=1)
    assert [(trade.symbol, trade.exit_time) for trade in result.trades] == [("A", day(2))]
    assert [(p.symbol, p.entry_time) for p in result.open_positions] == [("B", day(2))]


def test_the_daily_loss_limit_stops_entries_until_the_next_session() -> None:
    # A loses 100 in session 2: 0.1 x 10,000 / 10 = 100 shares, 10 -> 9
    rows = {"A": flat(10, 10, 9, 9, 9), "B": flat(10, 10, 10, 10, 10)}
    at: dict[str, Any] = {"max_positions": 2, "position_size_pct": 0.1}
    assert run_many(rows, {"A": [0], "B": [2]}, **at, daily_loss_limit=100.0).held["symbol"].tolist() == [0]
    assert run_many(rows, {"A": [0], "B": [2]}, **at, daily_loss_limit=100.01).held["symbol"].tolist() == [0, 1]
    assert run_many(rows, {"A": [0], "B": [3]}, **at, daily_loss_limit=100.0).held["symbol"].tolist() == [0, 1]


def test_the_days_loss_counts_from_the_end_of_the_session_before_over_all_its_bars() -> None:
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

    # 10,050 at the end of the first session, 10,020 two bars into the second: 30 lost, although 20 are won overall
    assert symbols_held(30.0) == [0]
    assert symbols_held(30.01) == [0, 1]


def test_before_the_first_session_ends_the_days_loss_counts_from_the_capital() -> None:
    time = np.array(["2024-01-02T15:30", "2024-01-02T15:35", "2024-01-02T15:40", "2024-01-02T15:45"], "M8[us]")
    bars = {"A": bars_of(flat(10, 10, 9, 9), time), "B": bars_of(flat(10, 10, 10, 10), time)}
    signals = {"A": signals_of(4, [0]), "B": signals_of(4, [2])}
    rules = RiskRules(position_size_pct=0.1, max_positions=2, daily_loss_limit=100.0, stop_loss_pct=0.99)
    assert run(bars, signals, capital=1e4, rules=rules, costs=Costs()).held["symbol"].tolist() == [0]


def test_the_drawdown_halt_stops_entries_below_the_peak_and_lets_exits_pass() -> None:
    # 100 shares of A: equity 10,000, 11,000 at the peak, 9,900 at the bottom, which is 10% down
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
    # the entry bar loses at once: the equity has never been above the capital
    rows["A"][1] = (10, 10, 8, 8)
    assert run_many(rows, {"A": [0], "B": [1]}, **at, max_drawdown_pct=0.2).held["symbol"].tolist() == [0]
    # 0.21: allowed, but all the cash is in A
    assert run_many(rows, {"A": [0], "B": [1]}, **at, max_drawdown_pct=0.21).cash == 0.0


# Several symbols and shared cash


def test_entries_share_the_cash_by_strength_then_symbol() -> None:
    rows = {symbol: [*flat(10), (12.0, 12.0, 12.0, 12.0)] for symbol in ("C", "B", "A")}
    result = run_many(rows, {"A": {0: 0.7}, "B": {0: 0.9}, "C": {0: 0.7}})
    # 500 shares each at 10; at 12 cash pays 833: B whole, A the rest, C nothing
    assert [(p.symbol, p.quantity) for p in result.open_positions] == [("B", 500.0), ("A", 333.0)]
    assert result.cash == 10_000 - 833 * 12


def test_exits_at_the_open_pay_for_entries_at_the_same_open() -> None:
    rows = {"A": flat(10, 10, 10), "B": flat(10, 10, 10)}
    result = run_many(rows, {"A": [0], "B": [1]}, {"A": [1]}, position_size_pct=1.0, max_positions=1)
    assert [(p.symbol, p.quantity) for p in result.open_positions] == [("B", 1_000.0)]


def test_a_stop_in_the_bar_does_not_pay_for_an_entry_at_its_open() -> None:
    rows = {"A": [*flat(10, 10), (10, 10, 5, 5)], "B": flat(10, 10, 10)}
    result = run_many(rows, {"A": [0], "B": [1]}, position_size_pct=1.0, max_positions=2, stop_loss_pct=0.1)
    assert [trade.symbol for trade in result.trades] == ["A"]
    assert len(result.held) == 0, "B finds no cash: A holds all of it until later that day"


def test_a_symbol_that_starts_later_trades_from_its_first_bars() -> None:
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
    there = [0, 3, 4, 5]  # X has no bar on days 1 and 2
    bars = {"X": bars_of(flat(10, 12, 13, 13), time[there]), "Y": bars_of(flat(*[10] * 6), time)}
    signals = {"X": signals_of(4, [0], [1]), "Y": signals_of(6)}
    rules = RiskRules(position_size_pct=0.5, stop_loss_pct=0.99)
    result = run(bars, signals, capital=10_000.0, rules=rules, costs=Costs())
    (trade,) = result.trades
    assert (trade.entry_time, trade.entry_price, trade.quantity) == (day(3), 12.0, 500.0)
    assert (trade.exit_time, trade.exit_price) == (day(4), 13.0)


def test_symbols_with_as_many_bars_on_other_days_are_kept_apart() -> None:
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


def test_a_missing_bar_is_marked_with_the_last_close_and_touches_no_stop() -> None:
    time = days(5)
    bars = {"X": bars_of([*flat(10, 10), (8, 8, 8, 8)], time[[0, 1, 4]]), "Y": bars_of(flat(*[10] * 5), time)}
    signals = {"X": signals_of(3, [0]), "Y": signals_of(5)}
    rules = RiskRules(position_size_pct=0.5, stop_loss_pct=0.1)
    result = run(bars, signals, capital=10_000.0, rules=rules, costs=Costs())
    assert result.equity.tolist() == [10_000.0, 10_000.0, 10_000.0, 10_000.0, 9_000.0]
    assert [trade.exit_time for trade in result.trades] == [day(4)]


def test_an_entry_on_its_way_takes_a_place_and_a_waiting_exit_frees_one() -> None:
    time = days(6)
    bars = {"X": bars_of(flat(10, 10, 10), time[[0, 3, 5]]), "Y": bars_of(flat(*[10] * 6), time)}
    rules = RiskRules(position_size_pct=0.4, max_positions=1)
    # X decides on day 0 and waits until day 3; meanwhile Y is refused
    result = run(bars, {"X": signals_of(3, [0]), "Y": signals_of(6, [1])}, capital=1e4, rules=rules, costs=Costs())
    assert [position.symbol for position in result.open_positions] == ["X"]
    # X is held from day 3 and told to go; it waits until day 5, and Y may decide on day 4
    result = run(
        bars, {"X": signals_of(3, [0], [1]), "Y": signals_of(6, [4])}, capital=1e4, rules=rules, costs=Costs()
    )
    assert [trade.exit_time for trade in result.trades] == [day(5)]
    assert [(p.symbol, p.entry_time) for p in result.open_positions] == [("Y", day(5))]


def test_trades_stand_in_the_order_they_were_closed() -> None:
    rows = {"A": flat(10, 10, 10, 10, 10), "B": flat(10, 10, 10, 10, 10)}
    result = run_many(rows, {"A": [0], "B": [1]}, {"A": [3], "B": [2]})
    assert [trade.symbol for trade in result.trades] == ["B", "A"]


# The window


def test_decisions_and_the_equity_curve_begin_at_the_start() -> None:
    rows = flat(10, 10, 11, 12, 13)
    signals = {"X": signals_of(5, [1, 2])}
    result = run({"X": bars_of(rows)}, signals, capital=1_000.0, rules=RiskRules(), costs=Costs(), start=day(2))
    assert result.time.tolist() == days(5)[2:].tolist()
    assert result.equity[0] == 1_000.0
    (position,) = result.open_positions
    assert (position.entry_time, position.entry_price) == (day(3), 12.0)


def test_a_start_after_the_last_bar_leaves_an_empty_curve() -> None:
    result = run(
        {"X": bars_of(flat(10, 10))},
        {"X": signals_of(2, [0])},
        capital=500.0,
        rules=RiskRules(),
        costs=Costs(),
        start=day(9),
    )
    assert len(result.equity) == len(result.time) == 0
    assert (result.cash, result.exposure, result.trades, result.open_positions) == (500.0, 0.0, [], [])


def test_no_symbols_at_all_leave_an_empty_curve() -> None:
    result = run({}, {}, capital=500.0, rules=RiskRules(), costs=Costs())
    assert (len(result.equity), result.cash, result.trades) == (0, 500.0, [])


# Ruin and growth


def test_an_account_that_costs_have_eaten_places_no_more_orders() -> None:
    costs = Costs(commission_per_order=600.0)
    result = run_one(flat(10, 10, 10, 10, 10, 10), buy=[0, 2, 4], sell=[1, 3], capital=1_000.0, costs=costs)
    # 40 shares for 400 and 600 commission, sold for 400 - 600: 200 below zero
    assert len(result.trades) == 1
    assert result.cash == -200.0
    assert result.equity[-1] == -200.0


def test_more_lots_than_the_kernel_first_makes_room_for() -> None:
    count = 1_000
    result = run_one(flat(*[10.0] * count), buy=range(0, count, 2), sell=range(1, count, 2), position_size_pct=0.5)
    assert len(result.trades) == 499
    assert {trade.pnl for trade in result.trades} == {0.0}
    assert [trade.entry_time for trade in result.trades] == [day(row) for row in range(1, 998, 2)]


# Bad input


@pytest.mark.parametrize("capital", [0.0, -1.0, float("nan"), float("inf")])
def test_capital_must_be_a_positive_amount(capital: float) -> None:
    with pytest.raises(ValueError, match="capital must be a positive amount"):
        run_one(flat(10, 10), buy=[0], capital=capital)


def test_signals_must_fit_the_bars() -> None:
    bars = {"X": bars_of(flat(10, 10, 10))}
    with pytest.raises(ValueError, match="X has 3 bars, but 2 sides and 2 strengths"):
        run(bars, {"X": signals_of(2)}, capital=1.0, rules=RiskRules(), costs=Costs())
    signals = signals_of(3)
    signals.strength[1] = np.nan
    with pytest.raises(ValueError, match="X: the strength of row 1 is missing"):
        run(bars, {"X": signals}, capital=1.0, rules=RiskRules(), costs=Costs())
