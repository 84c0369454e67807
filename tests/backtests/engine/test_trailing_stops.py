"""Trailing stops, and no stop at all, in cases computed by hand."""

from typing import Any

import numpy as np
import pytest

from backtests.engine.simulation import simulate
from strategies.kinds import make_kind
from tests.backtests.scripted import bars_of, day, days, flat, run_one
from tradedesk.core.fills import ExitReason
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.core.true_range import average_true_range

TRAILING: dict[str, Any] = {"stop_loss_pct": None, "trailing_stop_pct": 0.1}


def test_the_stop_follows_the_highest_price_and_acts_from_the_next_bar_on() -> None:
    # bought at 10, stop at 9; after the high of 12 it is at 10.8, after that of 11.5 still
    rows = [*flat(10), (10, 10, 9.5, 10), (10, 12, 9.1, 11.5), (11, 11.5, 10.9, 11.2), (11, 11, 10.7, 11)]
    (trade,) = run_one(rows, buy=[0], **TRAILING).trades
    assert (trade.exit_time, trade.exit_price, trade.exit_reason) == (day(4), 10.8, ExitReason.TRAILING_STOP)
    assert (trade.initial_stop, trade.stop_price) == (9.0, 10.8)
    assert trade.r_multiple == pytest.approx(0.8), "risked was 1 dollar a share, at the entry"


def test_the_entry_bar_raises_the_stop_for_the_next_bar_only() -> None:
    # low 9.5 is above the first stop, 9; the high of 12 raises it to 10.8, which the next open is below
    rows = [*flat(10), (10, 12, 9.5, 10), (10.5, 11, 10, 10)]
    (trade,) = run_one(rows, buy=[0], **TRAILING).trades
    assert (trade.exit_time, trade.exit_price, trade.stop_price) == (day(2), 10.5, 10.8)


def test_a_gap_below_a_raised_stop_fills_at_the_open_less_slippage() -> None:
    rows = [*flat(10), (10, 20, 10, 20), (15, 16, 14, 16)]
    (trade,) = run_one(rows, buy=[0], position_size_pct=0.1, costs=Costs(slippage_bps=100.0), **TRAILING).trades
    assert (trade.entry_price, trade.stop_price, trade.exit_price) == (10.1, 18.0, 14.85)


def test_of_a_fixed_and_a_trailing_stop_the_higher_one_counts() -> None:
    both: dict[str, Any] = {"stop_loss_pct": 0.05, "trailing_stop_pct": 0.1}
    # fixed at 9.5 and trailing at 9, then 9.45, then 9.9
    rows = [*flat(10, 10), (10, 10.5, 10, 10)]
    (trade,) = run_one([*rows, (10, 10, 9.4, 10)], buy=[0], **both).trades
    assert (trade.exit_price, trade.exit_reason) == (9.5, ExitReason.STOP_LOSS)
    (trade,) = run_one([*rows, (10, 11, 10, 10), (10, 10, 9.4, 10)], buy=[0], **both).trades
    assert (trade.exit_price, trade.exit_reason) == (9.9, ExitReason.TRAILING_STOP)


def test_a_stop_by_atr_keeps_the_distance_of_its_decision() -> None:
    # 15 bars of 9.5 to 10.5: a true range of 1; bought at 10, stop at 8, then 8.5; a wide bar changes no distance
    rows = [*[(10, 10.5, 9.5, 10)] * 16, (10, 15, 8.6, 14), (14, 14, 12.9, 13)]
    rules: dict[str, Any] = {"stop_loss_pct": None, "trailing_stop_atr": 2.0}
    (trade,) = run_one(rows, buy=[14], **rules).trades
    assert (trade.entry_price, trade.initial_stop, trade.exit_price) == (10.0, 8.0, 13.0)
    early = run_one(rows, buy=[13], **rules)
    assert early.trades == early.open_positions == [], "14 bars have 13 true ranges"


def test_the_average_true_range_is_the_mean_of_14_with_the_gaps_between_the_bars() -> None:
    high, low, close = np.full(16, 11.0), np.full(16, 10.0), np.full(16, 10.5)
    high[15], low[15], close[15] = 14.0, 13.0, 13.5  # 3.5 above the close before: the range is 3.5
    ranges = average_true_range(high, low, close)
    assert np.isnan(ranges[:14]).all()
    assert ranges[14:].tolist() == [1.0, (13 + 3.5) / 14]


def test_a_position_without_a_stop_is_kept_and_has_no_r_multiple() -> None:
    result = run_one([*flat(10, 10), (1, 1, 0.01, 0.02), *flat(5)], buy=[0], sell=[2], stop_loss_pct=None)
    (trade,) = result.trades
    assert (trade.exit_price, trade.stop_price, trade.initial_stop, trade.r_multiple) == (5.0, None, None, None)


@pytest.mark.parametrize("fractional", [False, True])
def test_buy_and_hold_with_its_own_rules_is_the_benchmark_to_the_cent(fractional: bool) -> None:
    random = np.random.default_rng(7)
    bars = {}
    for symbol, first in (("AAA", 0), ("BBB", 10)):
        close = 20 * np.exp(np.cumsum(random.normal(-0.01, 0.05, 200)))
        bars[symbol] = bars_of([(c, c * 1.02, c * 0.9, c * 1.01) for c in close], days(210)[first : first + 200])
    kind = make_kind("buy_and_hold", {})
    own = RiskRules(position_size_pct=0.475, max_positions=2, fractional=fractional, **kind.rule_defaults)
    done = simulate(
        kind, bars, capital=100_000.0, rules=own, costs=Costs(slippage_bps=5.0, commission_per_order=1.0)
    )
    assert len(done.result.open_positions) == 2
    assert done.result.equity.tolist() == done.benchmark.equity.tolist()
    assert not own.has_stop
