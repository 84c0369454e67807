"""Who stands next to whom on a grid."""

from backtests.research.optimizer.grid import Grid
from backtests.research.robustness.neighbours import around
from strategies.kinds.buy_and_hold import BuyAndHold
from strategies.kinds.sma_crossover import SmaCrossover

GRID = Grid.of(SmaCrossover, {"fast": (10, 30, 10), "slow": (20, 40, 10)}, {})


def test_the_middle_has_all_around_it_but_what_the_kind_refuses() -> None:
    found = around(SmaCrossover, GRID, GRID.number_of({"fast": 20, "slow": 30}))
    assert all(GRID.at(number) == combination for number, combination in found)
    pairs = {(each["fast"], each["slow"]) for _, each in found}
    assert pairs == {(10, 20), (10, 30), (10, 40), (20, 40), (30, 40)}  # 20/20, 30/20 and 30/30 are refused


def test_a_corner_has_fewer() -> None:
    found = around(SmaCrossover, GRID, GRID.number_of({"fast": 10, "slow": 40}))
    assert {(each["fast"], each["slow"]) for _, each in found} == {(10, 30), (20, 30), (20, 40)}


def test_a_kind_without_parameters_has_none() -> None:
    assert around(BuyAndHold, Grid.of(BuyAndHold, {}, {}), 0) == []
