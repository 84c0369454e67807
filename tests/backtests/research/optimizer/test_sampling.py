"""Which combinations each stretch of a search tries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.research.optimizer.grid import Grid
from backtests.research.optimizer.sampling import LOOKS_EACH, LOOKS_MORE, Batch, at_random, count_accepted, of_grid
from strategies.kinds.rsi_mean_reversion import RsiMeanReversion
from strategies.kinds.sma_crossover import SmaCrossover

# 36 x 36 numbers from 5 to 40 for both averages: the fast one is the lower one in 630 of them.
SQUARE = Grid.of(SmaCrossover, {"fast": (5, 40, 1), "slow": (5, 40, 1)}, {})
FITTING = {number for number in range(SQUARE.size) if SQUARE.at(number)["fast"] < SQUARE.at(number)["slow"]}


def test_what_fits_is_counted_by_the_kinds_own_rule() -> None:
    assert len(FITTING) == 36 * 35 // 2
    assert count_accepted(SmaCrossover, SQUARE) == len(FITTING)


@given(st.integers(1, 1_400))
def test_the_stretches_of_a_grid_try_every_combination_that_fits_once(size: int) -> None:
    found = [
        number for first in range(0, SQUARE.size, size) for number, _ in of_grid(SmaCrossover, SQUARE, first, size)
    ]
    assert found == sorted(FITTING)


def stretches(seed: int, size: int, total: int) -> list[Batch]:
    """As the chunks of a search draw them: all of one size but the last."""
    return [
        at_random(SmaCrossover, SQUARE, seed, first, min(size, total - first), total)
        for first in range(0, total, size)
    ]


@given(st.integers(0, 2**31 - 1), st.integers(1, 400), st.integers(1, SQUARE.size))
def test_the_stretches_at_random_share_nothing(seed: int, size: int, total: int) -> None:
    found = [each for stretch in stretches(seed, size, total) for each in stretch]
    numbers = [number for number, _ in found]
    assert len(numbers) == len(set(numbers)) <= total
    assert set(numbers) <= FITTING
    assert all(SQUARE.at(number) == combination for number, combination in found)


@given(st.integers(0, 2**31 - 1), st.integers(1, 400))
def test_as_many_trials_as_there_are_numbers_try_all_that_fit(seed: int, size: int) -> None:
    found = stretches(seed, size, SQUARE.size)
    assert {number for stretch in found for number, _ in stretch} == FITTING


@pytest.mark.parametrize(("size", "total"), [(250, 260), (250, 501), (100, 390)])
def test_a_short_last_stretch_costs_no_trials(size: int, total: int) -> None:
    """Stretches of equal width would leave a whole chunk too little to draw from."""
    grid = Grid.of(RsiMeanReversion, {"period": (2, 100, 1), "oversold": (1.0, 49.0, 8.0)}, {})
    found = [
        at_random(RsiMeanReversion, grid, 3, first, min(size, total - first), total)
        for first in range(0, total, size)
    ]
    assert sum(len(stretch) for stretch in found) == total


def test_a_stretch_is_filled_up_where_the_rule_leaves_some_out() -> None:
    assert len(at_random(SmaCrossover, SQUARE, 1, 0, 100, 400)) == 100


def test_a_grid_too_large_to_count_is_drawn_from_at_once() -> None:
    wide = {"oversold": (1.0, 49.0, 0.001), "overbought": (51.0, 99.0, 0.001)}
    grid = Grid.of(RsiMeanReversion, {"period": (2, 100, 1), **wide}, {})
    assert grid.size > 10**11
    found = at_random(RsiMeanReversion, grid, 3, 250, 50, 400)
    assert len({number for number, _ in found}) == 50


def test_where_nothing_fits_the_search_for_it_ends() -> None:
    looked_at = 0

    class Refuses(SmaCrossover):
        def check(self) -> str:
            nonlocal looked_at
            looked_at += 1
            return "Never."

    grid = Grid.of(Refuses, {"fast": (2, 400, 1), "slow": (3, 400, 1)}, {})
    assert at_random(Refuses, grid, 0, 0, 10, 10) == []
    assert looked_at == 10 * LOOKS_EACH + LOOKS_MORE
