"""Whether later trades are what the tested ones led one to expect."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtests.research.robustness.as_expected import MIN_TESTED, Answer, as_expected, mean_band

RETURN = st.floats(-0.9, 3.0, allow_nan=False)
few = settings(max_examples=30)
TESTED = st.lists(RETURN, min_size=MIN_TESTED, max_size=40)


@few
@given(TESTED, st.integers(1, 60))
def test_the_band_lies_within_the_tested_returns_and_around_their_mean(tested: list[float], count: int) -> None:
    band = mean_band(np.array(tested), count)
    assert band is not None
    assert min(tested) - 1e-9 <= band.low <= band.high <= max(tested) + 1e-9


@few
@given(TESTED, st.integers(10, 60))
def test_many_trades_with_the_tested_mean_are_as_expected(tested: list[float], count: int) -> None:
    values = np.array(tested)
    assert as_expected(values, np.full(count, values.mean() if np.ptp(values) else values[0]))[0] is Answer.WITHIN


@few
@given(TESTED, st.lists(RETURN, min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_the_trades_does_not_count(tested: list[float], later: list[float], random: object) -> None:
    answers = {as_expected(np.array(tested), np.array(later))}
    random.shuffle(tested)  # type: ignore[attr-defined]
    random.shuffle(later)  # type: ignore[attr-defined]
    answers.add(as_expected(np.array(tested), np.array(later)))
    assert len(answers) == 1


@few
@given(TESTED, st.lists(RETURN, min_size=1, max_size=30), st.floats(0.01, 1.0))
def test_better_trades_are_never_called_worse(tested: list[float], later: list[float], better: float) -> None:
    order = [Answer.BELOW, Answer.WITHIN, Answer.ABOVE]
    before, after = (as_expected(np.array(tested), np.array(later) + more)[0] for more in (0.0, better))
    assert order.index(after) >= order.index(before)


@few
@given(TESTED)
def test_trades_beyond_every_tested_one_are_outside(tested: list[float]) -> None:
    values = np.array(tested)
    assert as_expected(values, np.full(10, values.min() - 0.01))[0] is Answer.BELOW
    assert as_expected(values, np.full(10, values.max() + 0.01))[0] is Answer.ABOVE


@pytest.mark.parametrize(("tested", "later"), [(MIN_TESTED - 1, 20), (0, 20), (30, 0)])
def test_with_too_few_trades_nothing_is_known(tested: int, later: int) -> None:
    assert as_expected(np.full(tested, 0.01), np.full(later, 0.01)) == (Answer.UNKNOWN, None)


def test_nine_samples_of_ten_of_the_tested_trades_are_as_expected() -> None:
    random = np.random.default_rng(1)
    tested = random.normal(0.01, 0.05, 300)
    answers = [as_expected(tested, random.choice(tested, 20))[0] for _ in range(200)]
    assert 0.83 <= answers.count(Answer.WITHIN) / 200 <= 0.97
