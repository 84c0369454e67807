"""Momentum rotation: a small universe computed by hand, with ties, losses, and missing bars."""

import numpy as np
import pytest

from strategies.kinds.momentum_rotation import MomentumRotation
from tests.strategies.kinds.series import bars_of
from tradedesk.core.bars import COLUMNS, Bars

# All prices are 100 until the warm-up of a lookback of 10 is complete; the returns are then relative to 100.
WARM = [100.0] * 21
A = bars_of([*WARM, 110, 130, 130, 95, 95])
B = bars_of([*WARM, 120, 120, 130, 90, 90])
C = bars_of([*WARM, 90, 110, 125, 80, 80])


def test_golden_signals() -> None:
    # by hand, percent: A 10 30 30 -5 -5, B 20 20 30 -10 -10, C -10 10 25 -20 -20; A and B tie at 30, and A ranks
    # first by name
    kind = MomentumRotation(lookback=10, top=1)
    signals = kind.signals_by_symbol({"C": C, "A": A, "B": B})
    assert signals["A"].lines["Return"][20:] == pytest.approx([0, 10, 30, 30, -5, -5])
    assert {name: signals[name].lines["Rank"][20:].tolist() for name in "ABC"} == {
        "A": [1, 2, 1, 1, 1, 1],
        "B": [2, 1, 2, 2, 2, 2],
        "C": [3, 3, 3, 3, 3, 3],
    }
    assert {name: signals[name].side[20:].tolist() for name in "ABC"} == {
        "A": [0, 0, 1, 1, -1, 0],
        "B": [0, 1, -1, 0, 0, 0],
        "C": [0, 0, 0, 0, 0, 0],
    }
    assert [kind.explain(signals["A"], t) for t in (19, 20, 21, 22, 24, 25)] == [
        "Warming up: 20 of 21 bars",
        "Rank 1 with +0.00% over 10 bars: the return is not positive",
        "Rank 2 with +10.00% over 10 bars: not in the top 1",
        "Rank 1 with +30.00% over 10 bars: in the top 1",
        "Rank 1 with -5.00% over 10 bars: the return is no longer positive",
        "Rank 1 with -5.00% over 10 bars: the return is not positive",
    ]
    assert kind.explain(signals["B"], 22) == "Rank 2 with +20.00% over 10 bars: no longer in the top 1"


def test_a_better_rank_has_more_strength() -> None:
    # by hand: rank 1 of 2 has strength 1, rank 2 is halfway between 0.6 and 1; a SELL has strength 1
    signals = MomentumRotation(lookback=10, top=2).signals_by_symbol({"A": A, "B": B, "C": C})
    assert {name: signals[name].strength[20:].tolist() for name in "ABC"} == {
        "A": [0, 0.8, 1, 1, 1, 0],
        "B": [0, 1, 0.8, 0.8, 1, 0],
        "C": [0, 0, 0, 0, 0, 0],
    }


def test_the_return_is_over_the_lookback() -> None:
    # by hand: up by 10% at bar 21; bar 31 is the first that is compared with it
    close = [*WARM, *[110.0] * 12]
    signals = MomentumRotation(lookback=10).signals_by_symbol({"A": bars_of(close)})["A"]
    assert signals.lines["Return"][20:] == pytest.approx([0, *[10] * 10, 0, 0])
    assert signals.side[20:].tolist() == [0, *[1] * 10, -1, 0]
    assert np.isnan(signals.lines["Rank"][:10]).all()


def test_a_single_symbol_is_held_while_its_return_is_positive() -> None:
    kind = MomentumRotation(lookback=10)
    assert kind.signals(C).side[20:].tolist() == [0, 0, 1, 1, -1, 0]
    assert kind.signals_by_symbol({}) == {}


def without(bars: Bars, first: int, last: int) -> Bars:
    """The bars without rows first to last."""
    return Bars(*(np.delete(getattr(bars, name), slice(first, last + 1)) for name in COLUMNS))


def test_a_symbol_keeps_its_rank_for_ten_missing_bars() -> None:
    # B leads with +20% over A with +10% at bar 31 and has no bar from 32 on; A moves up ten bars later, at bar 42
    kind = MomentumRotation(lookback=20, top=1)
    leader, second = ([*[100.0] * 31, *[price] * 14] for price in (120.0, 110.0))
    signals = kind.signals_by_symbol({"A": bars_of(second), "B": without(bars_of(leader), 32, 44)})
    assert signals["B"].side[30:].tolist() == [0, 1]
    assert signals["A"].lines["Rank"][31:].tolist() == [*[2] * 11, 1, 1, 1]
    assert signals["A"].side[31:].tolist() == [*[0] * 11, 1, 1, 1]


@pytest.mark.parametrize(("missed", "side"), [(9, 0), (10, -1)])
def test_a_symbol_outside_the_top_is_sold_after_ten_missing_bars(missed: int, side: int) -> None:
    # it was never held, but a live check cannot see its decision of 11 bars ago, and so gives SELL to be safe
    kind = MomentumRotation(lookback=20, top=1)
    leader, late = ([*[100.0] * 31, *[price] * 14] for price in (120.0, 110.0))
    signals = kind.signals_by_symbol({"A": bars_of(leader), "B": without(bars_of(late), 32, 31 + missed)})
    assert signals["B"].side[31:33].tolist() == [0, side]


def test_the_warm_up_is_the_lookback_one_bar_and_ten_missing_bars() -> None:
    assert MomentumRotation().warmup() == 126 + 1 + 10
