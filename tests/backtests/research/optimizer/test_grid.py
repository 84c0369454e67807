"""Which combinations a grid has, and which grids are refused at which parameter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.research.optimizer.grid import MAX_VALUES, Grid, InvalidGrid
from strategies.kinds.buy_and_hold import BuyAndHold
from strategies.kinds.rsi_mean_reversion import RsiMeanReversion
from strategies.kinds.sma_crossover import SmaCrossover


def test_the_last_parameter_turns_fastest() -> None:
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


def test_what_does_not_vary_is_fixed_or_has_its_default() -> None:
    grid = Grid.of(RsiMeanReversion, {"oversold": (20.0, 30.0, 5.0)}, {"period": 9})
    assert grid.at(2) == {"period": 9, "oversold": 30.0, "overbought": 70.0}


def test_a_kind_without_parameters_has_one_combination() -> None:
    grid = Grid.of(BuyAndHold, {}, {})
    assert grid.size == 1
    assert grid.at(0) == {}


def test_steps_of_a_tenth_reach_the_upper_end() -> None:
    grid = Grid.of(RsiMeanReversion, {"oversold": (20.0, 20.3, 0.1)}, {})
    assert grid.axes["oversold"] == (20.0, 20.1, 20.2, 20.3)


def test_a_step_that_does_not_meet_the_upper_end_stays_below_it() -> None:
    assert Grid.of(SmaCrossover, {"fast": (5, 10, 2)}, {}).axes["fast"] == (5, 7, 9)


def test_one_value_is_a_range() -> None:
    assert Grid.of(SmaCrossover, {"fast": (5, 5, 1)}, {}).axes["fast"] == (5,)


@given(st.integers(2, 40), st.integers(1, 30), st.integers(1, 7), st.data())
def test_number_of_is_the_inverse_of_at(low: int, width: int, step: int, data: st.DataObject) -> None:
    grid = Grid.of(SmaCrossover, {"fast": (low, low + width, step), "slow": (50, 90, 10)}, {})
    number = data.draw(st.integers(0, grid.size - 1))
    combination = grid.at(number)
    assert grid.number_of(combination) == number
    assert all(combination[name] in values for name, values in grid.axes.items())


@given(st.integers(1, 12), st.integers(1, 12))
def test_no_two_numbers_give_the_same_combination(fast: int, slow: int) -> None:
    grid = Grid.of(SmaCrossover, {"fast": (2, 1 + fast, 1), "slow": (50, 49 + slow, 1)}, {})
    assert len({tuple(grid.at(number).values()) for number in range(grid.size)}) == grid.size == fast * slow


@pytest.mark.parametrize(
    ("ranges", "field", "words"),
    [
        ({"fast": (30, 5, 1)}, "fast", "swap the two"),
        ({"fast": (5, 30, 0)}, "fast", "step"),
        ({"fast": (5, 30, -1)}, "fast", "step"),
        ({"fast": (5, 30, 1.5)}, "fast", "whole number"),
        ({"fast": (5, 30, float("nan"))}, "fast", "step"),
        ({"fast": (5, 30, True)}, "fast", "step"),
        ({"fast": (1, 30, 1)}, "fast", "between 2 and 400"),
        ({"fast": (5, 401, 1)}, "fast", "between 2 and 400"),
        ({"fast": ("5", 30, 1)}, "fast", "whole number"),
        ({"speed": (5, 30, 1)}, "speed", "no parameter"),
    ],
)
def test_a_bad_range_is_refused_at_its_parameter(ranges: dict[str, tuple], field: str, words: str) -> None:  # type: ignore[type-arg]  # also what is no number
    with pytest.raises(InvalidGrid) as refusal:
        Grid.of(SmaCrossover, ranges, {})
    assert set(refusal.value.errors) == {field}
    assert words in refusal.value.errors[field]


def test_an_axis_of_millions_is_refused_before_it_is_built() -> None:
    with pytest.raises(InvalidGrid, match=f"more than {MAX_VALUES:,}"):
        Grid.of(RsiMeanReversion, {"oversold": (1.0, 99.0, 1e-9)}, {})


def test_every_bad_parameter_is_named_at_once() -> None:
    with pytest.raises(InvalidGrid) as refusal:
        Grid.of(SmaCrossover, {"fast": (9, 5, 1), "slow": (5, 9, 0)}, {})
    assert set(refusal.value.errors) == {"fast", "slow"}
