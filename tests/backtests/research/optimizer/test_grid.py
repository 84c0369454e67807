"""The combinations of a grid, and the parameter at which an invalid grid is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.research.optimizer.grid import MAX_VALUES, Grid, InvalidGrid
from strategies.kinds.buy_and_hold import BuyAndHold
from strategies.kinds.rsi_mean_reversion import RsiMeanReversion
from strategies.kinds.sma_crossover import SmaCrossover


def test_the_last_parameter_changes_fastest() -> None:
    grid = Grid.of(SmaCrossover, {"fast": (5, 7, 2), "slow": (20, 24, 2)}, {})
    assert grid.size == 6
    assert [tuple(grid.at(number).values()) for number in range(6)] == [
        (5, 20),
        (5, 22),
        (5, 24),
        (7, 20),
        (7, 22),
        (7, 24),
    ]
    assert list(grid.at(0)) == ["fast", "slow"]


def test_other_parameters_are_fixed_or_have_their_default() -> None:
    grid = Grid.of(RsiMeanReversion, {"oversold": (20.0, 30.0, 5.0)}, {"period": 9})
    assert grid.at(2) == {"period": 9, "oversold": 30.0, "overbought": 70.0, "enter_on": 0}


def test_a_kind_without_parameters_has_one_combination() -> None:
    grid = Grid.of(BuyAndHold, {}, {})
    assert grid.size == 1
    assert grid.at(0) == {}


def test_steps_of_a_tenth_reach_the_upper_bound() -> None:
    grid = Grid.of(RsiMeanReversion, {"oversold": (20.0, 20.3, 0.1)}, {})
    assert grid.axes["oversold"] == (20.0, 20.1, 20.2, 20.3)


def test_the_last_value_is_below_an_upper_bound_between_two_steps() -> None:
    assert Grid.of(SmaCrossover, {"fast": (5, 10, 2)}, {}).axes["fast"] == (5, 7, 9)


def test_a_range_can_have_one_value() -> None:
    assert Grid.of(SmaCrossover, {"fast": (5, 5, 1)}, {}).axes["fast"] == (5,)


@given(st.integers(2, 40), st.integers(1, 30), st.integers(1, 7), st.data())
def test_number_of_is_the_inverse_of_at(low: int, width: int, step: int, data: st.DataObject) -> None:
    grid = Grid.of(SmaCrossover, {"fast": (low, low + width, step), "slow": (50, 90, 10)}, {})
    number = data.draw(st.integers(0, grid.size - 1))
    combination = grid.at(number)
    assert grid.number_of(combination) == number
    assert all(combination[name] in values for name, values in grid.axes.items())


@given(st.integers(1, 12), st.integers(1, 12))
def test_all_numbers_have_different_combinations(fast: int, slow: int) -> None:
    grid = Grid.of(SmaCrossover, {"fast": (2, 1 + fast, 1), "slow": (50, 49 + slow, 1)}, {})
    assert len({tuple(grid.at(number).values()) for number in range(grid.size)}) == grid.size == fast * slow


@pytest.mark.parametrize(
    ("ranges", "field"),
    [
        ({"fast": (30, 5, 1)}, "fast"),
        ({"fast": (5, 30, 0)}, "fast"),
        ({"fast": (5, 30, -1)}, "fast"),
        ({"fast": (5, 30, 1.5)}, "fast"),
        ({"fast": (5, 30, float("nan"))}, "fast"),
        ({"fast": (5, 30, True)}, "fast"),
        ({"fast": (1, 30, 1)}, "fast"),
        ({"fast": (5, 401, 1)}, "fast"),
        ({"fast": ("5", 30, 1)}, "fast"),
        ({"speed": (5, 30, 1)}, "speed"),
    ],
)
def test_an_invalid_range_is_refused_at_its_parameter(ranges: dict[str, tuple], field: str) -> None:  # type: ignore[type-arg]  # also of strings
    with pytest.raises(InvalidGrid) as refusal:
        Grid.of(SmaCrossover, ranges, {})
    assert set(refusal.value.errors) == {field}


def test_the_message_names_the_parameter_and_the_bounds() -> None:
    with pytest.raises(InvalidGrid) as refusal:
        Grid.of(SmaCrossover, {"fast": (30, 5, 1)}, {})
    label = SmaCrossover.params()["fast"].label
    assert refusal.value.errors == {
        "fast": f"The lower bound of {label}, 30, is above the upper bound, 5. Swap them."
    }


def test_an_axis_of_millions_is_refused_before_it_is_built() -> None:
    with pytest.raises(InvalidGrid, match=f"more than {MAX_VALUES:,}"):
        Grid.of(RsiMeanReversion, {"oversold": (1.0, 99.0, 1e-9)}, {})


def test_all_invalid_parameters_are_reported_together() -> None:
    with pytest.raises(InvalidGrid) as refusal:
        Grid.of(SmaCrossover, {"fast": (9, 5, 1), "slow": (5, 9, 0)}, {})
    assert set(refusal.value.errors) == {"fast", "slow"}
