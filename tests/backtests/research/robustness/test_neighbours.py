"""The neighbours of a combination on a grid."""

from backtests.research.optimizer.grid import Grid
from backtests.research.robustness.neighbours import neighbours_of
from strategies.kinds.buy_and_hold import BuyAndHold
from strategies.kinds.sma_crossover import SmaCrossover

GRID = Grid.of(SmaCrossover, {"fast": (10, 30, 10), "slow": (20, 40, 10)}, {})


def test_the_middle_has_all_neighbours_except_those_that_the_kind_refuses() -> None:
    found = neighbours_of(SmaCrossover, GRID, GRID.number_of({"fast": 20, "slow": 30}))
    assert all(GRID.at(number) == combination for number, combination in found)
    pairs = {(each["fast"], each["slow"]) for _, each in found}
    assert pairs == {(10, 20), (10, 30), (10, 40), (20, 40), (30, 40)}  # 20/20, 30/20 and 30/30 are refused


def test_a_corner_has_fewer_neighbours() -> None:
    found = neighbours_of(SmaCrossover, GRID, GRID.number_of({"fast": 10, "slow": 40}))
    assert {(each["fast"], each["slow"]) for _, each in found} == {(10, 30), (20, 30), (20, 40)}


def test_a_kind_without_parameters_has_no_neighbours() -> None:
    assert neighbours_of(BuyAndHold, Grid.of(BuyAndHold, {}, {}), 0) == []
