"""The rules of a backtest in cases computed by hand: orders, sizes, costs, the period, invalid input."""

import numpy as np
import pytest

from backtests.engine.run import run
from tests.backtests.scripted import bars_of, day, days, flat, run_one, signals_of
from tradedesk.core.fills import ExitReason
from tradedesk.core.rules import Costs, RiskRules

# A decision at a close is executed in the next bar


def test_a_buy_and_a_sell_fill_at_the_open_of_the_next_bar() -> None:
    rows = [(10, 10, 10, 10), (11, 13, 11, 12), (12, 14, 12, 13), (15, 16, 15, 16), (17, 17, 17, 17)]
    result = run_one(rows, buy=[0], sell=[2], capital=1_000.0)
    (trade,) = result.trades
    assert trade.symbol == "X"
    assert trade.quantity == 90, "100 shares at the close of 10; the cash can pay for 90 at the open of 11"
    assert (trade.entry_time, trade.entry_price) == (day(1), 11.0)
    assert (trade.exit_time, trade.exit_price, trade.exit_reason) == (day(3), 15.0, ExitReason.SIGNAL)
    assert (trade.pnl, trade.commission) == (360.0, 0.0)
    assert trade.return_fraction == pytest.approx(360 / 990)
    assert result.equity.tolist() == [1_000.0, 10 + 90 * 12, 10 + 90 * 13, 1_360.0, 1_360.0]
    assert result.cash == 1_360.0
    assert result.exposure == 3 / 5
    assert result.time.tolist() == days(5).tolist()


def test_a_decision_at_the_last_bar_has_no_fill() -> None:
    result = run_one(flat(10, 10), buy=[1])
    assert (result.trades, result.open_positions, result.cash) == ([], [], 10_000.0)


def test_a_buy_while_holding_and_a_sell_without_holding_do_nothing() -> None:
    result = run_one(flat(10, 10, 10, 10, 10, 10), buy=[1, 2], sell=[0, 4], position_size_pct=0.1)
    assert [(trade.quantity, trade.entry_time) for trade in result.trades] == [(100.0, day(2))]


def test_the_bar_that_sells_can_decide_to_buy_again() -> None:
    result = run_one(flat(10, 10, 10, 10, 10), buy=[0, 2], sell=[1])
    assert [trade.exit_time for trade in result.trades] == [day(2)]
    assert [position.entry_time for position in result.open_positions] == [day(3)]


def test_an_open_position_stays_open_and_is_valued() -> None:
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
    # 0.5 x 10,000 / 20 = 250 shares, whatever the next open is
    assert run_one([(20, 20, 20, 20), (10, 10, 10, 10)], buy=[0], position_size_pct=0.5).held["quantity"] == [250]


def test_size_follows_the_equity_not_the_capital() -> None:
    result = run_one(flat(10, 10, 20, 20, 10, 10), buy=[0, 4], sell=[2], position_size_pct=0.5)
    assert result.trades[0].quantity == 500, "0.5 x 10,000 / 10"
    assert result.held["quantity"] == [750], "0.5 x 15,000 / 10"


def test_max_position_size_limits_a_position() -> None:
    assert run_one(flat(10, 10), buy=[0], max_position_size=1_234.0).held["quantity"] == [123]


def test_shares_are_whole_unless_fractional() -> None:
    assert run_one(flat(30, 30), buy=[0], capital=1_000.0).held["quantity"] == [33]
    assert run_one(flat(30, 30), buy=[0], capital=1_000.0, fractional=True).held["quantity"] == [33.333333]


def test_an_order_of_less_than_one_share_is_not_placed() -> None:
    result = run_one(flat(10_001, 5_000, 5_000), buy=[0])
    assert result.cash == 10_000.0
    assert len(result.held) == 0


def test_the_order_is_reduced_to_what_the_cash_affords_at_the_fill() -> None:
    rows = [(10, 10, 10, 10), (12.5, 12.5, 12.5, 12.5)]
    costs = Costs(commission_per_order=5.0, commission_per_share=0.1, commission_bps=100.0, slippage_bps=0.0)
    result = run_one(rows, buy=[0], capital=1_000.0, costs=costs)
    # (1000 - 5) / (12.5 x 1.01 + 0.1) = 78.19 shares; 78 x 12.5 + 5 + 7.8 + 9.75
    assert result.held["quantity"] == [78]
    assert result.cash == 2.45


def test_an_order_that_the_cash_cannot_pay_is_cancelled() -> None:
    result = run_one(flat(900, 1_001, 900, 900), buy=[0], capital=1_000.0)
    assert len(result.held) == 0
    assert result.equity.tolist() == [1_000.0] * 4


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
    assert trade.return_fraction == pytest.approx(trade.pnl / (1_000 + entry_fee))
    assert result.cash == 10_000 + trade.pnl


def test_slippage_is_paid_on_both_sides_of_a_signal_trade() -> None:
    result = run_one(
        flat(10, 10, 10, 10), buy=[0], sell=[1], costs=Costs(slippage_bps=50.0), position_size_pct=0.1
    )
    (trade,) = result.trades
    assert (trade.entry_price, trade.exit_price, trade.pnl) == (10.05, 9.95, -10.0)


# The period


def test_decisions_and_the_equity_curve_begin_at_the_start() -> None:
    rows = flat(10, 10, 11, 12, 13)
    signals = {"X": signals_of(5, [1, 2])}
    result = run({"X": bars_of(rows)}, signals, capital=1_000.0, rules=RiskRules(), costs=Costs(), start=day(2))
    assert result.time.tolist() == days(5)[2:].tolist()
    assert result.equity[0] == 1_000.0
    (position,) = result.open_positions
    assert (position.entry_time, position.entry_price) == (day(3), 12.0)


def test_a_start_after_the_last_bar_gives_an_empty_curve() -> None:
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


def test_without_symbols_the_curve_is_empty() -> None:
    result = run({}, {}, capital=500.0, rules=RiskRules(), costs=Costs())
    assert (len(result.equity), result.cash, result.trades) == (0, 500.0, [])


# Unusual prices


def test_a_single_bar_has_no_trades() -> None:
    result = run_one(flat(10), buy=[0])
    assert (result.equity.tolist(), result.cash, len(result.held)) == ([10_000.0], 10_000.0, 0)
    assert result.invested.tolist() == [0.0]


def test_trades_at_constant_prices_lose_their_commission() -> None:
    costs = Costs(commission_per_order=1.0)
    result = run_one(flat(*[10.0] * 6), buy=[0, 3], sell=[1, 4], costs=costs, position_size_pct=0.5)
    assert [trade.pnl for trade in result.trades] == [-2.0, -2.0]
    assert result.equity.tolist() == [10_000.0, 9_999.0, 9_998.0, 9_998.0, 9_997.0, 9_996.0]
    assert result.invested.tolist() == [0.0, 5_000.0, 0.0, 0.0, 4_990.0, 0.0]


# Accounts below zero, and many lots


def test_an_account_below_zero_places_no_orders() -> None:
    costs = Costs(commission_per_order=600.0)
    result = run_one(flat(10, 10, 10, 10, 10, 10), buy=[0, 2, 4], sell=[1, 3], capital=1_000.0, costs=costs)
    # 40 shares for 400 and 600 commission, sold for 400 - 600: 200 below zero
    assert len(result.trades) == 1
    assert result.cash == -200.0
    assert result.equity[-1] == -200.0


def test_hundreds_of_lots_in_one_symbol() -> None:
    count = 1_000
    result = run_one(flat(*[10.0] * count), buy=range(0, count, 2), sell=range(1, count, 2), position_size_pct=0.5)
    assert len(result.trades) == 499
    assert {trade.pnl for trade in result.trades} == {0.0}
    assert [trade.entry_time for trade in result.trades] == [day(row) for row in range(1, 998, 2)]


# Invalid input


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
