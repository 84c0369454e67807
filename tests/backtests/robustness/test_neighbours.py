"""Who stands next to whom on a grid."""

import numpy as np
import pytest

from backtests.optimizer.grid import Grid
from backtests.robustness.neighbours import around, neighbour_scores
from strategies.kinds.buy_and_hold import BuyAndHold
from strategies.kinds.sma_crossover import SmaCrossover

GRID = Grid.of(SmaCrossover, {"fast": (10, 30, 10), "slow": (20, 40, 10)}, {})


def test_the_middle_has_all_around_it_but_what_the_kind_refuses() -> None:
    found = around(SmaCrossover, GRID, {"fast": 20, "slow": 30})
    pairs = {(each["fast"], each["slow"]) for each in found}
    assert pairs == {(10, 20), (10, 30), (10, 40), (20, 40), (30, 40)}  # 20/20, 30/20 and 30/30 are refused


def test_a_corner_has_fewer() -> None:
    found = around(SmaCrossover, GRID, {"fast": 10, "slow": 40})
    assert {(each["fast"], each["slow"]) for each in found} == {(10, 30), (20, 30), (20, 40)}


def test_a_kind_without_parameters_has_none() -> None:
    assert around(BuyAndHold, Grid.of(BuyAndHold, {}, {}), {}) == []


def test_scores_of_neighbours_are_the_median_along_each_parameter() -> None:
    numbers = list(range(9))
    scores = np.array([1.0, 2.0, 3.0, 4.0, 100.0, 6.0, np.nan, 8.0, 9.0])
    found = neighbour_scores(GRID, numbers, scores)
    assert found[4] == np.median([2.0, 4.0, 6.0, 8.0])
    assert found[0] == np.median([2.0, 4.0])
    assert found[8] == np.median([6.0, 8.0])
    alone = neighbour_scores(GRID, [0], np.array([1.0]))
    assert np.isnan(alone[0])


def test_a_choice_off_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="not in"):
        around(SmaCrossover, GRID, {"fast": 11, "slow": 30})
