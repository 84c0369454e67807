"""SMA crossover: computed by hand, and compared with exact fractions on whole cents."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.kinds import InvalidParameters
from strategies.kinds.sma_crossover import SmaCrossover
from tests.strategies.kinds.series import UNTIMED, bars_of, generated
from tradedesk.core.bars import Floats


def test_golden_signals() -> None:
    # by hand; SMA 2: 10 10 10 11.5 13 13 10 7 7 from bar 1, SMA 3: 10 10 11 12 13 11 9 7 from bar 2
    bars = bars_of([10, 10, 10, 10, 13, 13, 13, 7, 7, 7])
    kind = SmaCrossover(fast=2, slow=3)
    signals = kind.signals_by_symbol({"A": bars})["A"]
    assert signals.side.tolist() == [0, 0, 0, 0, 1, 0, 0, -1, 0, 0]
    assert signals.strength.tolist() == [0, 0, 0, 0, 1, 0, 0, 1, 0, 0]
    assert signals.lines["SMA 2"][1:].tolist() == [10, 10, 10, 11.5, 13, 13, 10, 7, 7]
    assert signals.lines["SMA 3"][2:].tolist() == [10, 10, 11, 12, 13, 11, 9, 7]
    assert [kind.explain(signals, t) for t in (2, 3, 4, 5, 6, 7)] == [
        "Warming up: 3 of 4 bars",
        "SMA 2 (10.00) equals SMA 3 (10.00)",
        "SMA 2 (11.50) crossed above SMA 3 (11.00)",
        "SMA 2 (13.00) is above SMA 3 (12.00)",
        "SMA 2 (13.00) equals SMA 3 (13.00)",
        "SMA 2 (10.00) crossed below SMA 3 (11.00)",
    ]


def exact_sides(close: Floats, fast: int, slow: int) -> list[int]:
    """The rule in whole cents and fractions, without rounding."""
    cents = [round(price * 100) for price in close]
    sides = [0] * len(cents)
    for t in range(slow, len(cents)):
        now, before = (
            Fraction(sum(cents[end - fast + 1 : end + 1]), fast)
            - Fraction(sum(cents[end - slow + 1 : end + 1]), slow)
            for end in (t, t - 1)
        )
        sides[t] = (now > 0 >= before) - (now < 0 <= before)
    return sides


@UNTIMED
@given(st.integers(0, 10**9), st.sampled_from(["cents", "sawtooth", "random walk on cents"]), st.data())
def test_exact_ties_do_not_move_a_trade(seed: int, shape: str, data: st.DataObject) -> None:
    fast = data.draw(st.integers(2, 20))
    slow = data.draw(st.integers(fast + 1, 40))
    bars = generated(shape, seed, 250)
    found = SmaCrossover(fast=fast, slow=slow).signals_by_symbol({"A": bars})["A"]
    assert found.side.tolist() == exact_sides(bars.close, fast, slow)


def test_the_longest_averages_work() -> None:
    kind = SmaCrossover(fast=399, slow=400)
    assert kind.warmup() == 401
    assert np.flatnonzero(kind.signals(generated("random walk", 5, 3000)).side).size > 0


@pytest.mark.parametrize(("fast", "slow"), [(30, 10), (20, 20)])
def test_the_fast_average_must_be_shorter(fast: int, slow: int) -> None:
    with pytest.raises(InvalidParameters) as refusal:
        SmaCrossover(fast=fast, slow=slow)
    assert refusal.value.errors == {
        "": f"The fast average ({fast}) must be shorter than the slow average ({slow})."
    }
