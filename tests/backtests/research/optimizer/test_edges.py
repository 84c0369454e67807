"""The edges of a search: counted by hand on the ranges of an SMA crossover and of a float parameter."""

from hypothesis import given
from hypothesis import strategies as st

from backtests.research.optimizer.edges import edges_of
from backtests.research.optimizer.grid import Grid, Range
from strategies.kinds.sma_crossover import SmaCrossover

PARAMS = SmaCrossover.params()


def edges(ranges: dict[str, Range], **best: int) -> list[tuple[str, bool, Range]]:
    grid = Grid.of(SmaCrossover, ranges, {})
    return [(edge.name, edge.is_lowest, edge.wider) for edge in edges_of(grid, ranges, PARAMS, best)]


def test_the_first_and_the_last_value_of_a_range_are_edges() -> None:
    ranges: dict[str, Range] = {"fast": (10, 30, 5), "slow": (40, 80, 10)}
    assert edges(ranges, fast=15, slow=50) == []
    # Two of four steps more; four of the slow average's would be 40.
    assert edges(ranges, fast=30, slow=40) == [("fast", False, (10, 40, 5)), ("slow", True, (20, 80, 10))]


def test_there_is_no_edge_where_the_parameter_allows_no_further_step() -> None:
    low, high = int(PARAMS["fast"].low), int(PARAMS["slow"].high)
    ranges: dict[str, Range] = {"fast": (low, low + 8, 2), "slow": (high - 10, high, 10)}
    assert edges(ranges, fast=low, slow=high) == []
    nearly: dict[str, Range] = {"fast": (low + 3, low + 11, 2)}
    assert edges(nearly, fast=low + 3) == [("fast", True, (low + 1, low + 11, 2))]


@given(st.integers(2, 60), st.integers(1, 12), st.integers(1, 7))
def test_a_wider_range_is_valid_and_has_all_values_of_the_range(low: int, count: int, step: int) -> None:
    ranges: dict[str, Range] = {"fast": (low, low + count * step, step)}
    before = Grid.of(SmaCrossover, ranges, {}).axes["fast"]
    for value in (before[0], before[-1]):
        for edge in edges_of(Grid.of(SmaCrossover, ranges, {}), ranges, PARAMS, {"fast": value}):
            after = Grid.of(SmaCrossover, {"fast": edge.wider}, {}).axes["fast"]
            assert set(before) < set(after)
            assert (after[0] < before[0]) == edge.is_lowest
