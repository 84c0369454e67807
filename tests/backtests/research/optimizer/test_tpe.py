"""The estimator: new combinations, the same for the same past, and nearer to the best than chance."""

import math
from itertools import pairwise

import pytest

from backtests.research.optimizer.grid import Grid
from backtests.research.optimizer.sampling import at_random
from backtests.research.optimizer.tpe import next_batch
from strategies.kinds.sma_crossover import SmaCrossover

GRID = Grid.of(SmaCrossover, {"fast": (5, 54, 1), "slow": (60, 159, 1)}, {})
Known = list[tuple[int, float | None]]


def bowl(number: int) -> float:
    """Highest at 30 and 110; no trader's result, so that the best one is known."""
    at = GRID.at(number)
    return -(((at["fast"] - 30) / 25) ** 2) - ((at["slow"] - 110) / 50) ** 2


def searched(seed: int, batches: int = 8, size: int = 25) -> Known:
    known: Known = []
    for _ in range(batches):
        known += [(number, bowl(number)) for number, _ in next_batch(SmaCrossover, GRID, seed, known, size)]
    return known


def test_no_combination_comes_twice_over_all_batches() -> None:
    numbers = [number for number, _ in searched(1)]
    assert len(numbers) == len(set(numbers)) == 200


def test_the_same_past_has_the_same_future() -> None:
    past: Known = [(number, bowl(number)) for number in range(0, 5_000, 250)]
    first, second = (next_batch(SmaCrossover, GRID, 5, past, 10) for _ in range(2))
    assert first == second
    assert all(GRID.at(number) == combination for number, combination in first)


def test_a_batch_does_not_begin_where_the_one_before_began() -> None:
    batches = [
        next_batch(SmaCrossover, GRID, 5, [(number, None) for number in range(tried)], 5) for tried in range(4)
    ]
    assert all(before != after for before, after in pairwise(batches))


def test_it_comes_nearer_to_the_best_than_chance() -> None:
    seeds = range(6)
    of_tpe = [max(score for _, score in searched(seed, 6) if score is not None) for seed in seeds]
    at_chance = [
        max(bowl(number) for number, _ in at_random(SmaCrossover, GRID, seed, 0, 150, 150)) for seed in seeds
    ]
    assert sum(of_tpe) > sum(at_chance)


def test_tries_without_a_score_teach_it_and_do_not_stop_it() -> None:
    past: Known = [(number, None) for number in range(30)]
    found = next_batch(SmaCrossover, GRID, 2, past, 10)
    assert len(found) == 10
    assert all(number >= 30 for number, _ in found)


def test_what_the_kinds_own_rule_refuses_is_never_chosen() -> None:
    square = Grid.of(SmaCrossover, {"fast": (5, 20, 1), "slow": (5, 20, 1)}, {})
    found = next_batch(SmaCrossover, square, 1, [], 40)
    assert found
    assert all(combination["fast"] < combination["slow"] for _, combination in found)


@pytest.mark.parametrize("tried", [0, 7])
def test_it_ends_when_all_has_been_tried(tried: int) -> None:
    small = Grid.of(SmaCrossover, {"fast": (5, 8, 1), "slow": (20, 21, 1)}, {})
    past: Known = [(number, math.sin(number)) for number in range(tried)]
    found = next_batch(SmaCrossover, small, 1, past, 100)
    assert sorted(number for number, _ in found) == list(range(tried, 8))


def test_a_search_of_one_value_has_one_combination() -> None:
    one = Grid.of(SmaCrossover, {"fast": (5, 5, 1)}, {"slow": 20})
    assert next_batch(SmaCrossover, one, 1, [], 5) == [(0, {"fast": 5, "slow": 20})]
