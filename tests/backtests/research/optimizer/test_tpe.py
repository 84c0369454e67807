"""The estimator: new combinations, the same for the same trials, and better than random ones."""

import math
from itertools import pairwise

import pytest

from backtests.research.optimizer.grid import Grid
from backtests.research.optimizer.sampling import random_batch
from backtests.research.optimizer.tpe import next_batch
from strategies.kinds.sma_crossover import SmaCrossover

GRID = Grid.of(SmaCrossover, {"fast": (5, 54, 1), "slow": (60, 159, 1)}, {})
Trials = list[tuple[int, float | None]]


def bowl(number: int) -> float:
    """A score with a known best combination, 30 and 110."""
    at = GRID.at(number)
    return -(((at["fast"] - 30) / 25) ** 2) - ((at["slow"] - 110) / 50) ** 2


def searched(seed: int, batches: int = 8, size: int = 25) -> Trials:
    trials: Trials = []
    for _ in range(batches):
        trials += [(number, bowl(number)) for number, _ in next_batch(SmaCrossover, GRID, seed, trials, size)]
    return trials


def test_no_combination_is_proposed_twice() -> None:
    numbers = [number for number, _ in searched(1)]
    assert len(numbers) == len(set(numbers)) == 200


def test_the_same_trials_give_the_same_batch() -> None:
    trials: Trials = [(number, bowl(number)) for number in range(0, 5_000, 250)]
    first, second = (next_batch(SmaCrossover, GRID, 5, trials, 10) for _ in range(2))
    assert first == second
    assert all(GRID.at(number) == combination for number, combination in first)


def test_consecutive_batches_differ() -> None:
    batches = [
        next_batch(SmaCrossover, GRID, 5, [(number, None) for number in range(tried)], 5) for tried in range(4)
    ]
    assert all(before != after for before, after in pairwise(batches))


def test_it_finds_better_combinations_than_random_batches() -> None:
    seeds = range(3)
    of_tpe = [max(score for _, score in searched(seed, 6) if score is not None) for seed in seeds]
    of_random = [
        max(bowl(number) for number, _ in random_batch(SmaCrossover, GRID, seed, 0, 150, 150)) for seed in seeds
    ]
    assert sum(of_tpe) > sum(of_random)


def test_trials_without_a_score_are_accepted_and_not_repeated() -> None:
    trials: Trials = [(number, None) for number in range(30)]
    found = next_batch(SmaCrossover, GRID, 2, trials, 10)
    assert len(found) == 10
    assert all(number >= 30 for number, _ in found)


def test_combinations_that_the_kind_refuses_are_never_proposed() -> None:
    square = Grid.of(SmaCrossover, {"fast": (5, 20, 1), "slow": (5, 20, 1)}, {})
    found = next_batch(SmaCrossover, square, 1, [], 40)
    assert found
    assert all(combination["fast"] < combination["slow"] for _, combination in found)


@pytest.mark.parametrize("tried", [0, 7])
def test_it_ends_when_all_combinations_were_tried(tried: int) -> None:
    small = Grid.of(SmaCrossover, {"fast": (5, 8, 1), "slow": (20, 21, 1)}, {})
    trials: Trials = [(number, math.sin(number)) for number in range(tried)]
    found = next_batch(SmaCrossover, small, 1, trials, 100)
    assert sorted(number for number, _ in found) == list(range(tried, 8))


def test_a_search_with_one_value_has_one_combination() -> None:
    one = Grid.of(SmaCrossover, {"fast": (5, 5, 1)}, {"slow": 20})
    assert next_batch(SmaCrossover, one, 1, [], 5) == [(0, {"fast": 5, "slow": 20})]
