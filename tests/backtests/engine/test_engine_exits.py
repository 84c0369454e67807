"""The rules of a backtest in cases computed by hand: stops and targets."""

import pytest

from tests.backtests.scripted import day, flat, run_one
from tradedesk.core.fills import ExitReason
from tradedesk.core.rules import Costs


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


def test_a_low_equal_to_the_stop_touches_it() -> None:
    (trade,) = run_one([*flat(10, 10), (10, 10, 9, 10)], buy=[0], stop_loss_pct=0.1).trades
    assert trade.exit_price == 9.0
    assert run_one([*flat(10, 10), (10, 10, 9.000001, 10)], buy=[0], stop_loss_pct=0.1).trades == []


def test_the_stop_is_active_in_the_entry_bar() -> None:
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


def test_the_target_is_active_in_the_entry_bar() -> None:
    (trade,) = run_one([*flat(10), (10, 12, 9.5, 11)], buy=[0], take_profit_pct=0.2, stop_loss_pct=0.1).trades
    assert (trade.entry_time, trade.exit_time, trade.exit_price) == (day(1), day(1), 12.0)


def test_a_bar_that_touches_both_fills_the_stop() -> None:
    rows = [*flat(10, 10), (10, 13, 8, 12)]
    (trade,) = run_one(rows, buy=[0], stop_loss_pct=0.1, take_profit_pct=0.2).trades
    assert (trade.exit_price, trade.exit_reason) == (9.0, ExitReason.STOP_LOSS)


def test_a_signal_exit_at_the_open_comes_before_the_stop() -> None:
    rows = [*flat(10, 10, 10), (9.5, 9.5, 8, 8)]
    (trade,) = run_one(rows, buy=[0], sell=[2], stop_loss_pct=0.1).trades
    assert (trade.exit_price, trade.exit_reason) == (9.5, ExitReason.SIGNAL)


def test_stop_and_target_are_set_from_the_fill_price() -> None:
    rows = [*flat(10), (20, 20, 20, 20), (20, 20, 17, 19)]
    assert run_one(rows, buy=[0], stop_loss_pct=0.2, position_size_pct=0.1).trades == [], "stop at 16, not at 8"
    (trade,) = run_one(rows, buy=[0], stop_loss_pct=0.1, position_size_pct=0.1).trades
    assert (trade.stop_price, trade.exit_price) == (18.0, 18.0)


def test_a_stop_that_slippage_moved_above_the_open_fills_at_the_open() -> None:
    # filled at 11 (10% slippage), the stop of 0.1% is at 10.989, above the open: sold at the open less 10%
    result = run_one(
        flat(10, 10), buy=[0], stop_loss_pct=0.001, costs=Costs(slippage_bps=1000.0), position_size_pct=0.1
    )
    (trade,) = result.trades
    assert (trade.entry_price, trade.stop_price, trade.exit_price) == (11.0, 10.989, 9.0)
    assert trade.r_multiple == pytest.approx(-2 / 0.011)
