"""The combinations in each batch of a search."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtests.research.optimizer.grid import Grid
from backtests.research.optimizer.sampling import (
    CHECKED_EXTRA,
    CHECKED_PER_COMBINATION,
    Batch,
    count_accepted,
    grid_batch,
    random_batch,
)
from strategies.kinds.rsi_mean_reversion import RsiMeanReversion
from strategies.kinds.sma_crossover import SmaCrossover

# 36 x 36 combinations, both averages from 5 to 40: in 630 of them the fast one is the shorter one.
SQUARE = Grid.of(SmaCrossover, {"fast": (5, 40, 1), "slow": (5, 40, 1)}, {})
VALID = {number for number in range(SQUARE.size) if SQUARE.at(number)["fast"] < SQUARE.at(number)["slow"]}


def test_the_kinds_own_rule_decides_what_is_counted() -> None:
    assert len(VALID) == 36 * 35 // 2
    assert count_accepted(SmaCrossover, SQUARE) == len(VALID)


@given(st.integers(1, 1_400))
def test_the_batches_of_a_grid_have_every_valid_combination_once(size: int) -> None:
    found = [
        number
        for first in range(0, SQUARE.size, size)
        for number, _ in grid_batch(SmaCrossover, SQUARE, first, size)
    ]
    assert found == sorted(VALID)


def random_batches(seed: int, size: int, total: int) -> list[Batch]:
    """As the chunks of a search draw them: all of one size except the last."""
    return [
        random_batch(SmaCrossover, SQUARE, seed, first, min(size, total - first), total)
        for first in range(0, total, size)
    ]


@given(st.integers(0, 2**31 - 1), st.integers(1, 400), st.integers(1, SQUARE.size))
def test_random_batches_are_disjoint(seed: int, size: int, total: int) -> None:
    found = [each for batch in random_batches(seed, size, total) for each in batch]
    numbers = [number for number, _ in found]
    assert len(numbers) == len(set(numbers)) <= total
    assert set(numbers) <= VALID
    assert all(SQUARE.at(number) == combination for number, combination in found)


@settings(max_examples=25)
@given(st.integers(0, 2**31 - 1), st.integers(1, 400))
def test_a_sample_as_large_as_the_grid_has_all_valid_combinations(seed: int, size: int) -> None:
    found = random_batches(seed, size, SQUARE.size)
    assert {number for batch in found for number, _ in batch} == VALID


@pytest.mark.parametrize(("size", "total"), [(250, 260), (250, 501), (100, 390)])
def test_a_short_last_batch_keeps_the_size_of_the_sample(size: int, total: int) -> None:
    """Ranges of equal width would leave too few numbers for a full batch."""
    grid = Grid.of(RsiMeanReversion, {"period": (2, 100, 1), "oversold": (1.0, 49.0, 8.0)}, {})
    found = [
        random_batch(RsiMeanReversion, grid, 3, first, min(size, total - first), total)
        for first in range(0, total, size)
    ]
    assert sum(len(batch) for batch in found) == total


def test_a_batch_is_full_although_the_rule_refuses_some() -> None:
    assert len(random_batch(SmaCrossover, SQUARE, 1, 0, 100, 400)) == 100


def test_a_very_large_grid_is_sampled_at_once() -> None:
    wide = {"oversold": (1.0, 49.0, 0.001), "overbought": (51.0, 99.0, 0.001)}
    grid = Grid.of(RsiMeanReversion, {"period": (2, 100, 1), **wide}, {})
    assert grid.size > 10**11
    found = random_batch(RsiMeanReversion, grid, 3, 250, 50, 400)
    assert len({number for number, _ in found}) == 50


def test_a_batch_ends_when_no_combination_is_valid() -> None:
    checked = 0

    class Refuses(SmaCrossover):
        def check(self) -> str:
            nonlocal checked
            checked += 1
            return "Never."

    grid = Grid.of(Refuses, {"fast": (2, 400, 1), "slow": (3, 400, 1)}, {})
    assert random_batch(Refuses, grid, 0, 0, 10, 10) == []
    assert checked == 10 * CHECKED_PER_COMBINATION + CHECKED_EXTRA
