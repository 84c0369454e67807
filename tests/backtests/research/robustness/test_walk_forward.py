"""Walk-forward and out of sample, computed by hand."""

import numpy as np
import pytest

from backtests.research.optimizer.holdout import search_sessions
from backtests.research.robustness.walk_forward import out_of_sample, walk_forward
from tests.backtests.trials import days_of
from tradedesk.core.metrics import sharpe_ratio

BARS = 50 * np.arange(
    10
)  # days: so far apart they count as months, of which three are enough for a figure per year


def test_each_fold_trades_the_column_that_was_best_before_it() -> None:
    random = np.random.default_rng(0)
    returns = random.normal(0, 0.001, (90, 2))
    returns[:45, 0] += 0.01  # the first column is better in the first half,
    returns[45:, 0] -= 0.05  # then it falls, and the second one is better
    found = walk_forward(returns, days_of(90))
    assert found is not None
    assert [(fold.first, fold.last) for fold in found.folds] == [(at, at + 10) for at in range(10, 90, 10)]
    assert [fold.column for fold in found.folds[:4]] == [0, 0, 0, 0]
    assert found.folds[-1].column == 1
    joined = np.concatenate([returns[fold.first : fold.last, fold.column] for fold in found.folds])
    assert found.returns.tolist() == joined.tolist()
    assert found.sharpe == pytest.approx(sharpe_ratio(joined))
    in_sample = [sharpe_ratio(returns[: fold.first, fold.column]) or 0.0 for fold in found.folds]
    assert found.efficiency == pytest.approx(found.sharpe / np.mean(in_sample))  # type: ignore[operator]  # not None here


def test_the_selection_does_not_depend_on_the_fold_it_trades() -> None:
    returns = np.random.default_rng(1).normal(0, 0.01, (90, 5))
    changed = returns.copy()
    changed[80:] = changed[80:][:, ::-1] * 9.0
    first, second = walk_forward(returns, days_of(90)), walk_forward(changed, days_of(90))
    assert first is not None
    assert second is not None
    assert [fold.column for fold in first.folds] == [fold.column for fold in second.folds]


def test_efficiency_is_undefined_when_the_selected_columns_lost_in_sample() -> None:
    found = walk_forward(np.random.default_rng(2).normal(-0.01, 0.001, (90, 3)), days_of(90))
    assert found is not None
    assert found.efficiency is None


@pytest.mark.parametrize("shape", [(17, 3), (90, 0), (0, 3)])
def test_too_few_sessions_or_columns_have_no_result(shape: tuple[int, int]) -> None:
    assert walk_forward(np.zeros(shape), days_of(shape[0])) is None


def test_the_holdout_is_the_last_30_percent() -> None:
    returns = np.array([0.01, 0.02, 0.01, 0.02, 0.01, 0.02, 0.01, 0.10, -0.05, 0.02])
    found = out_of_sample(returns, BARS)
    assert found is not None
    assert found.in_sample == pytest.approx(sharpe_ratio(returns[:7], per_year=12))
    assert found.out_of_sample == pytest.approx(sharpe_ratio(returns[7:], per_year=12))
    assert found.total_return == pytest.approx(1.10 * 0.95 * 1.02 - 1)
    assert (found.sessions, found.first, found.went_to_zero) == (3, 7, False)
    assert found.gained_before
    assert out_of_sample(returns[:3], BARS[:3]) is None


def test_a_part_below_90_days_has_no_sharpe_ratio_per_year() -> None:
    """200 weekdays: the holdout of 60 has 82 days, and a fold of 22 has 30."""
    returns = np.random.default_rng(3).normal(0.001, 0.01, (200, 3))
    found, folded = out_of_sample(returns[:, 0], days_of(200)), walk_forward(returns, days_of(200))
    assert found is not None
    assert folded is not None
    assert found.in_sample == pytest.approx(sharpe_ratio(returns[:140, 0]))
    assert (found.out_of_sample, found.probability) == (None, pytest.approx(0.5, abs=0.5))
    assert {fold.out_of_sample for fold in folded.folds} == {None}
    assert [fold.in_sample is None for fold in folded.folds] == [True] * 2 + [False] * 6
    assert folded.sharpe == pytest.approx(sharpe_ratio(folded.returns))
    short = walk_forward(returns[:60], days_of(60))
    assert short is not None
    assert short.sharpe is None
    assert short.efficiency is not None


def test_the_holdout_begins_where_the_search_ends() -> None:
    """Although 10 x (1 - 0.9) is slightly less than 1."""
    for count in range(4, 400):
        returns = np.random.default_rng(count).normal(0, 0.01, count)
        for holdout in (0.1, 0.3, 0.4, 0.9):
            found = out_of_sample(returns, days_of(count), holdout)
            if found is not None:
                assert found.first == search_sessions(count, holdout) == count - found.sessions
    short = out_of_sample(np.random.default_rng(1).normal(0, 0.01, 20), days_of(20), 0.9)
    assert short is not None
    assert short.first == 2


def test_an_account_that_went_to_zero_has_no_sharpe_ratio_in_the_holdout() -> None:
    to_zero = np.array([0.01, 0.02, -1.0, *[0.0] * 7])
    found = out_of_sample(to_zero, BARS)
    assert found is not None
    assert (found.went_to_zero, found.out_of_sample, found.first) == (True, None, 7)
