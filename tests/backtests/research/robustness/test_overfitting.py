"""The probability of backtest overfitting, against another library's."""

import numpy as np
import pytest
from holdout import probability_of_backtest_overfitting

from backtests.research.robustness.overfitting import overfitting, splits
from tradedesk.core.bars import Floats


@pytest.mark.parametrize("seed", range(6))
def test_it_agrees_with_another_library(seed: int) -> None:
    random = np.random.default_rng(seed)
    returns = random.normal(0.0002 * seed * np.arange(12) / 12, 0.01, (800, 12))
    theirs = probability_of_backtest_overfitting(returns, n_blocks=16)
    ours = overfitting(returns, seed=0)
    assert ours is not None
    assert len(ours.logits) == 12_870
    assert ours.probability == pytest.approx(theirs.pbo, abs=1e-12)
    assert np.sort(ours.logits) == pytest.approx(np.sort(theirs.logits), abs=1e-9)


def test_one_column_that_is_truly_better_is_no_overfitting() -> None:
    returns = np.random.default_rng(1).normal(0.0, 0.01, (1600, 30))
    returns[:, 7] += 0.002
    found = overfitting(returns, seed=0)
    assert found is not None
    assert found.probability < 0.01


def test_noise_alone_is_overfitted_about_half_of_the_time() -> None:
    found = [overfitting(np.random.default_rng(seed).normal(0, 0.01, (800, 40)), 0) for seed in range(10)]
    assert 0.3 < np.mean([each.probability for each in found if each]) < 0.7


def test_a_sample_of_the_splits_is_near_all_of_them() -> None:
    returns = np.random.default_rng(5).normal(0.0003, 0.01, (1600, 1000))
    found = overfitting(returns, seed=0)
    assert found is not None
    assert len(found.logits) == 2_500
    whole = probability_of_backtest_overfitting(returns[:, :], n_blocks=16).pbo
    assert found.probability == pytest.approx(whole, abs=0.03)


def test_every_split_has_half_of_the_blocks_in_sample() -> None:
    for drawn in (splits(16, 10**6, 0), splits(16, 300, 1)):
        assert (drawn.sum(axis=1) == 8).all()
        assert len(np.unique(drawn, axis=0)) == len(drawn)
    assert len(splits(16, 300, 1)) == 300


@pytest.mark.parametrize("shape", [(800, 1), (31, 5), (0, 0)])
def test_too_little_to_compare_is_no_answer(shape: tuple[int, int]) -> None:
    assert overfitting(np.zeros(shape), seed=0) is None


def noise(columns: int, seed: int = 2) -> Floats:
    return np.random.default_rng(seed).normal(0, 0.01, (320, columns))


def test_twins_are_nothing_to_choose_between() -> None:
    assert overfitting(np.repeat(noise(1), 5, axis=1), seed=0) is None


def test_columns_that_never_move_take_no_part() -> None:
    still = np.zeros((320, 7))
    assert overfitting(still, seed=0) is None
    assert overfitting(np.hstack((still, noise(1))), seed=0) is None
    alone, among = overfitting(noise(5), seed=0), overfitting(np.hstack((still, noise(5), still)), seed=0)
    assert alone is not None
    assert among is not None
    assert (among.columns, among.probability) == (alone.columns, alone.probability) == (5, alone.probability)


def test_a_rank_exactly_in_the_middle_counts_half() -> None:
    """Each block backwards has the same mean and spread but for rounding: neither of the two is the better."""
    column = noise(1)
    backwards = column.reshape(16, 20, 1)[:, ::-1].reshape(320, 1)
    found = overfitting(np.hstack((column, backwards)), seed=0)
    assert found is not None
    assert found.logits == pytest.approx(0.0)
    assert found.probability == 0.5
