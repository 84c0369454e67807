"""A single entry that is followed leads to what the engine makes of the same signals."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.engine.run import run
from tests.backtests.cases import COSTS, RULES, all_lots
from tests.backtests.scripted import bars_of, day, flat, signals_of
from tradedesk.core.bars import Bars
from tradedesk.core.fills import ExitReason
from tradedesk.core.rules import Costs, RiskRules, kernel_rules
from tradedesk.core.single_entry import FollowedEntry, follow_entry, move_after
from tradedesk.core.true_range import average_true_range


def follow(rows: Any, row: int, sells: Any = (), **rules: Any) -> FollowedEntry | None:
    costs = rules.pop("costs", Costs())
    return follow_entry(
        bars_of(rows), row, kernel_rules(RiskRules(**rules), costs), np.array(sells, np.int64).reshape(-1)
    )


@st.composite
def bars_with_sells(draw: st.DrawFn) -> tuple[Bars, int, list[int]]:
    length = draw(st.integers(2, 24))
    rows = []
    for _ in range(length):
        cents = sorted(draw(st.tuples(*[st.integers(800, 1_600)] * 4)))
        open_, close = draw(st.permutations(cents[1:3]))
        rows.append((open_ / 100, cents[3] / 100, cents[0] / 100, close / 100))
    row = draw(st.integers(0, length - 1))
    sells = sorted(draw(st.sets(st.integers(0, length - 1), max_size=3)) - {row})
    return bars_of(rows), row, sells


TRAILING: list[dict[str, float | None]] = [
    {},
    {"trailing_stop_pct": 0.05},
    {"trailing_stop_pct": 0.3, "stop_loss_pct": None},
    {"trailing_stop_pct": None, "trailing_stop_atr": 0.5},
]


@given(bars_with_sells(), RULES, COSTS, st.sampled_from(TRAILING))
def test_it_is_what_the_engine_makes_of_the_signals(
    given_bars: tuple[Bars, int, list[int]], rules: RiskRules, costs: Costs, trailing: dict[str, float | None]
) -> None:
    bars, row, sells = given_bars
    values = rules.as_dict() | {"fractional": True, "signal_threshold": 0.0, "max_position_size": None} | trailing
    rules = RiskRules(**values)
    result = run({"X": bars}, {"X": signals_of(len(bars), [row], sells)}, capital=1e6, rules=rules, costs=costs)
    ranges = average_true_range(bars.high, bars.low, bars.close)
    found = follow_entry(bars, row, kernel_rules(rules, costs), np.array(sells, np.int64), ranges[row])
    lots = all_lots(result)
    assert (found is not None) == bool(lots)
    if found is None:
        return
    (lot,) = lots
    assert (day(found.entry_row), found.entry_price) == (lot.entry_time, lot.entry_price)
    assert found.initial_stop == lot.initial_stop
    if result.trades:
        (trade,) = result.trades
        assert found.exit_row is not None
        assert (day(found.exit_row), found.exit_price) == (trade.exit_time, trade.exit_price)
        assert found.reason == trade.exit_reason
    else:
        assert (found.exit_row, found.reason, found.exit_price) == (None, None, bars.close[-1])


def test_a_stop_of_ten_percent_computed_by_hand() -> None:
    # bought at 10.00 + 1% = 10.10; the stop is 9.09, and the third bar opens below it, at 9 - 1% = 8.91
    rows = [*flat(10, 10), (9, 9.5, 8, 9)]
    found = follow(rows, 0, stop_loss_pct=0.1, costs=Costs(slippage_bps=100))
    assert found is not None
    assert (found.entry_price, found.initial_stop, found.exit_price) == (10.1, 9.09, 8.91)
    assert found.reason is ExitReason.STOP_LOSS
    assert found.return_fraction == pytest.approx(8.91 / 10.1 - 1)
    assert found.r_multiple == pytest.approx((8.91 - 10.1) / 1.01)


def test_a_sell_at_the_close_of_the_entry_bar_sells_at_the_next_open() -> None:
    found = follow([*flat(10, 10), (11, 12, 11, 12)], 0, sells=[0, 1], stop_loss_pct=None)
    assert found is not None
    assert (found.exit_row, found.exit_price, found.reason) == (2, 11.0, ExitReason.SIGNAL)


def test_a_trailing_stop_follows_the_highest_price_before_each_bar() -> None:
    # bought at 10, stop at 9; after the high of 12 it is at 10.8, which the last bar reaches
    rows = [*flat(10), (10, 10, 9.5, 10), (10, 12, 9.1, 11.5), (11, 11.5, 10.9, 11.2), (11, 11, 10.7, 11)]
    found = follow(rows, 0, stop_loss_pct=None, trailing_stop_pct=0.1)
    assert found is not None
    assert (found.initial_stop, found.exit_row, found.exit_price) == (9.0, 4, 10.8)
    assert found.reason is ExitReason.TRAILING_STOP


def test_without_exit_it_is_valued_at_the_last_close() -> None:
    found = follow([*flat(10, 10), (11, 12.5, 11, 12)], 0, stop_loss_pct=None)
    assert found is not None
    assert (found.exit_row, found.reason, found.r_multiple) == (None, None, None)
    assert found.return_fraction == pytest.approx(0.2)
    assert follow(flat(10, 10), 1) is None, "no bar follows"


def test_the_move_counts_the_bars_from_the_open_after_the_signal() -> None:
    bars = bars_of([(10, 10, 8, 8), (10, 12, 9, 11), (11, 13, 11, 12)])
    assert move_after(bars, 0, 1) == pytest.approx(0.1)
    assert move_after(bars, 0, 2) == pytest.approx(0.2)
    assert move_after(bars, 0, 3) is None
