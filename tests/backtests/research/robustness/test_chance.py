"""The test against chance: fixed multipliers, the maxima of trials, and values that further trials never raise."""

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from backtests.research.robustness.chance import (
    NO_MAXIMA,
    best_by_chance,
    chance_value,
    is_compared,
    maxima_of,
    packed,
    unpacked,
)
from backtests.research.robustness.deflated_sharpe import NORMAL, standard_score
from backtests.research.robustness.multipliers import DRAWS, GOLDEN, iso_weeks, mix, multipliers
from backtests.research.robustness.trials import Trials
from tests.backtests.trials import days_of, random_returns, sample_of, trials_of
from tradedesk.core.bars import Floats

WORD = 2**64


def test_the_hash_is_splitmix64() -> None:
    """Its first outputs for the seed 1234567, as in Rosetta Code."""
    states = np.array([1234567, (1234567 + int(GOLDEN)) % WORD], np.uint64)
    assert mix(states).tolist() == [6457827717110365317, 3203168211198807973]


def test_weeks_are_those_of_the_iso_calendar() -> None:
    days = np.arange(-400, 20_000)
    dates = days.astype("datetime64[D]").tolist()
    number = iso_weeks(days)
    assert number[400] == 0  # 1 January 1970
    for before, after, step in zip(dates, dates[1:], np.diff(number), strict=False):
        assert step == (before.isocalendar().week != after.isocalendar().week), after


def mixed(state: int) -> int:
    """splitmix64 in Python's whole numbers."""
    word = (state + int(GOLDEN)) % WORD
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB % WORD
    return word ^ (word >> 31)


@pytest.mark.parametrize(("week", "draw"), [(0, 0), (1826, 1), (2919, 998), (-52, 500)])
def test_a_multiplier_depends_on_its_draw_and_its_week_alone(week: int, draw: int) -> None:
    cell = mixed((mixed(week % WORD) + draw) % WORD)
    first, second = ((mixed(word) >> 11) / 2**53 for word in (cell, cell ^ (WORD - 1)))
    expected = math.sqrt(-2.0 * math.log(1.0 - first)) * math.cos(2.0 * math.pi * second)
    assert multipliers(week, 1)[0, draw] == round(expected * 128) / 128
    assert multipliers(week - 3, 8)[3, draw] == multipliers(week, 1)[0, draw]


def test_the_multipliers_are_the_same_for_ever_and_normal() -> None:
    """The registry keeps what earlier versions computed with them: a change of this hash makes it worthless."""
    table = multipliers(1570, 680)
    found = hashlib.sha256(table.astype("<f4").tobytes()).hexdigest()
    assert found == "49cdb6a31438742d459b2b0016ea4db1849db3ddf8bad1be8af602df426cd174"
    assert table.shape == (680, DRAWS)
    assert (table.mean(), table.std(), (table**4).mean()) == pytest.approx((0.0, 1.0, 3.0), abs=0.02)


def test_maxima_are_those_of_the_definition() -> None:
    returns = random_returns(6, sessions=60)
    sums = (returns - returns.mean(axis=1, keepdims=True)).reshape(6, 12, 5).sum(axis=2)
    first = int(iso_weeks(days_of(1))[0])
    exact = sums / np.sqrt((sums**2).sum(axis=1, keepdims=True)) @ multipliers(first, 12).astype(np.float64)
    assert trials_of(returns).maxima == pytest.approx(exact.max(axis=0), abs=2e-3)


def test_trials_are_the_same_in_any_order_and_any_batches() -> None:
    """Bit for bit, so that a repeated search changes nothing."""
    returns = random_returns(700, sessions=40)
    whole = trials_of(returns)
    parts = Trials.joined([trials_of(part) for part in (returns[690:], returns[:5], returns[5:690])])
    assert whole.maxima.tobytes() == parts.maxima.tobytes()
    assert set(whole.hashes.tolist()) == set(parts.hashes.tolist())
    assert len(set(whole.hashes.tolist())) == 700


def test_results_are_distinct_when_their_returns_differ_by_a_billionth() -> None:
    returns = np.round(random_returns(1), 9)
    same, other, shifted = returns + 1e-11, returns.copy(), np.roll(returns, 1)
    other[0, 30] += 1e-9
    hashes = [trials_of(each).hashes[0] for each in (returns, same, other, shifted, returns[:, :-1])]
    assert hashes[0] == hashes[1]
    assert len({*map(int, hashes)}) == 4


def test_trials_without_spread_and_those_that_lost_too_much_are_left_out() -> None:
    assert trials_of(np.zeros((3, 60))).maxima.tobytes() == NO_MAXIMA.tobytes()
    bound = -math.sqrt(2.0 * math.log(math.log(60)))
    sharpe = np.array([bound + 1e-6, bound - 1e-6, math.nan]) / math.sqrt(59)
    assert is_compared(sharpe, np.full(3, 60)).tolist() == [True, False, False]
    assert is_compared(np.ones(2), np.array([3, 4])).tolist() == [False, True]


def test_the_value_counts_the_draws_that_reach_the_result() -> None:
    maxima = np.arange(DRAWS, dtype=np.float32)
    values = [chance_value(z, maxima) for z in (-1.0, 500.0, 949.0, 949.5, 998.0, 2000.0)]
    assert values == [0.0, 0.5, 0.949, 0.95, 0.998, 0.999]
    assert best_by_chance(maxima, 1008, 252.0) == 499.0 / 2.0


def test_without_trials_to_compare_with_the_result_is_compared_with_a_normal() -> None:
    assert chance_value(1.0, NO_MAXIMA) == NORMAL.cdf(1.0)
    assert chance_value(9.0, NO_MAXIMA) == 0.999
    assert best_by_chance(NO_MAXIMA, 100, 252.0) is None


def test_a_single_trial_without_skill_is_judged_like_by_a_normal() -> None:
    """Its own maxima are the draws of one normal."""
    maxima = trials_of(random_returns(1, sessions=1250)).maxima
    for z in (-1.0, 0.0, 1.0, 2.0):
        assert chance_value(z, maxima) == pytest.approx(NORMAL.cdf(z), abs=0.04)


def test_maxima_are_stored_and_read_without_a_change() -> None:
    maxima = trials_of(random_returns(3)).maxima
    assert unpacked(packed(maxima)).tobytes() == maxima.tobytes()
    assert (packed(NO_MAXIMA), unpacked(b"").tobytes()) == (b"", NO_MAXIMA.tobytes())


RETURNS = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.just(30)),
    elements=st.floats(-0.5, 0.5) | st.sampled_from([0.0, 0.01]),
)


@given(st.lists(RETURNS, min_size=1, max_size=4), st.integers(0, 10**6))
@settings(max_examples=60)
def test_further_trials_never_raise_the_value_and_repeated_ones_change_nothing(
    searches: list[Floats], seed: int
) -> None:
    z = standard_score(sample_of(random_returns(1, seed, 30)[0]))
    maxima, value = NO_MAXIMA, 1.0
    for returns in searches:
        for _ in range(2):
            added = trials_of(returns).maxima
            before, maxima = maxima, np.maximum(maxima, added)
        assert before.tobytes() == maxima.tobytes()
        if maxima is not NO_MAXIMA and np.isfinite(maxima[0]):
            assert chance_value(z, maxima) <= value
            value = chance_value(z, maxima)


def test_no_maxima_of_no_trials() -> None:
    assert maxima_of(np.empty((0, 10), np.float32), 1500).tobytes() == NO_MAXIMA.tobytes()
    assert len(Trials.joined([]).hashes) == 0


def test_a_trial_that_lost_too_much_does_not_widen_the_test() -> None:
    returns = random_returns(3)
    losing = np.vstack((returns, random_returns(1, seed=9) - 0.02))
    assert trials_of(losing).maxima.tobytes() == trials_of(returns).maxima.tobytes()
    assert len(trials_of(losing).hashes) == 4
