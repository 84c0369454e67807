"""A shuffle is a permutation, whichever part of it is computed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.research.optimizer.shuffle import Shuffle

SEEDS = st.integers(0, 2**31 - 1)


@given(st.integers(1, 3_000), SEEDS)
def test_every_number_occurs_exactly_once(length: int, seed: int) -> None:
    shuffle = Shuffle(length, seed)
    assert sorted(shuffle.at(place) for place in range(length)) == list(range(length))


@given(st.integers(1, 10**18), SEEDS, st.data())
def test_a_place_always_has_the_same_number(length: int, seed: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, length - 1))
    number = Shuffle(length, seed).at(place)
    assert 0 <= number < length
    assert Shuffle(length, seed).at(place) == number


def test_another_seed_is_another_order() -> None:
    first, second = ([Shuffle(1_000, seed).at(place) for place in range(1_000)] for seed in (1, 2))
    assert sum(a == b for a, b in zip(first, second, strict=True)) < 20


def test_a_part_of_it_is_spread_over_the_whole_range() -> None:
    shuffle = Shuffle(1_000_000, 7)
    tenths = [0] * 10
    for place in range(2_000):
        tenths[shuffle.at(place) // 100_000] += 1
    # 200 are expected in each; 5 standard deviations are 67.
    assert all(133 < count < 267 for count in tenths), tenths


@pytest.mark.parametrize("place", [-1, 10, 11])
def test_a_place_outside_the_range_is_an_error(place: int) -> None:
    with pytest.raises(IndexError):
        Shuffle(10, 1).at(place)
