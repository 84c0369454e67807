"""The probability of backtest overfitting, against another library."""

import numpy as np
import pytest
from holdout import probability_of_backtest_overfitting

from backtests.research.robustness import overfitting as overfitting_module
from backtests.research.robustness.overfitting import overfitting, splits
from tradedesk.core.bars import Floats


@pytest.mark.parametrize("seed", range(6))
def test_it_equals_another_library(seed: int) -> None:
    random = np.random.default_rng(seed)
    returns = random.normal(0.0002 * seed * np.arange(12) / 12, 0.01, (800, 12))
    theirs = probability_of_backtest_overfitting(returns, n_blocks=16)
    ours = overfitting(returns, seed=0)
    assert ours is not None
    assert len(ours.logits) == 12_870
    assert ours.probability == pytest.approx(theirs.pbo, abs=1e-12)
    assert np.sort(ours.logits) == pytest.approx(np.sort(theirs.logits), abs=1e-9)


def test_a_column_with_an_edge_is_not_overfitted() -> None:
    returns = np.random.default_rng(1).normal(0.0, 0.01, (1600, 30))
    returns[:, 7] += 0.002
    found = overfitting(returns, seed=0)
    assert found is not None
    assert found.probability < 0.01


def test_noise_is_overfitted_about_half_of_the_time() -> None:
    found = [overfitting(np.random.default_rng(seed).normal(0, 0.01, (800, 40)), 0) for seed in range(10)]
    assert 0.3 < np.mean([each.probability for each in found if each]) < 0.7


def test_a_sample_of_the_splits_is_close_to_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overfitting_module, "MAX_CELLS", 500_000)
    returns = np.random.default_rng(5).normal(0.0003, 0.01, (400, 200))
    found = overfitting(returns, seed=0)
    assert found is not None
    assert len(found.logits) == 2_500
    of_all = probability_of_backtest_overfitting(returns[:, :], n_blocks=16).pbo
    assert found.probability == pytest.approx(of_all, abs=0.03)


def test_every_split_has_half_of_the_blocks_in_sample() -> None:
    for drawn in (splits(16, 10**6, 0), splits(16, 300, 1)):
        assert (drawn.sum(axis=1) == 8).all()
        assert len(np.unique(drawn, axis=0)) == len(drawn)
    assert len(splits(16, 300, 1)) == 300


@pytest.mark.parametrize("shape", [(800, 1), (31, 5), (0, 0)])
def test_too_few_columns_or_sessions_have_no_result(shape: tuple[int, int]) -> None:
    assert overfitting(np.zeros(shape), seed=0) is None


def noise(columns: int, seed: int = 2) -> Floats:
    return np.random.default_rng(seed).normal(0, 0.01, (320, columns))


def test_identical_columns_have_no_result() -> None:
    assert overfitting(np.repeat(noise(1), 5, axis=1), seed=0) is None


def test_constant_columns_are_left_out() -> None:
    constant = np.zeros((320, 7))
    assert overfitting(constant, seed=0) is None
    assert overfitting(np.hstack((constant, noise(1))), seed=0) is None
    alone, mixed = overfitting(noise(5), seed=0), overfitting(np.hstack((constant, noise(5), constant)), seed=0)
    assert alone is not None
    assert mixed is not None
    assert (mixed.columns, mixed.probability) == (alone.columns, alone.probability) == (5, alone.probability)


def test_a_rank_exactly_at_the_median_counts_half() -> None:
    """Each block reversed has the same mean and standard deviation except for rounding, so neither column is
    better.
    """
    column = noise(1)
    reversed_blocks = column.reshape(16, 20, 1)[:, ::-1].reshape(320, 1)
    found = overfitting(np.hstack((column, reversed_blocks)), seed=0)
    assert found is not None
    assert found.logits == pytest.approx(0.0)
    assert found.probability == 0.5
