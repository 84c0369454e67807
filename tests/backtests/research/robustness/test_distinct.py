"""Counting distinct results: exact for few, close for many, and the same in any order of merging."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtests.research.robustness.distinct import FEW, REGISTERS, Distinct, Words, count_distinct, merged


def hashes(number: int, seed: int = 1) -> Words:
    return np.random.default_rng(seed).integers(0, 2**64, number, np.uint64)


@pytest.mark.parametrize("number", [0, 1, 20, 685, FEW])
def test_few_are_counted_exactly_however_often_they_come(number: int) -> None:
    sketch = b""
    for part in np.array_split(np.repeat(hashes(number), 3), 5):
        sketch = merged([sketch], part)
    assert count_distinct([sketch]) == Distinct(number, True)
    assert len(sketch) == 8 * number


@pytest.mark.parametrize("number", [FEW + 1, 5_000, 30_000, 1_000_000])
def test_many_are_counted_within_three_percent(number: int) -> None:
    """2.6 times the standard error of 1.15%; the seed is fixed."""
    sketch = b""
    for part in np.array_split(hashes(number), -(-number // 50_000)):
        sketch = merged([sketch], part)
    found = count_distinct([sketch])
    assert (found.number, found.is_exact) == (pytest.approx(number, rel=0.03), False)
    assert len(sketch) == REGISTERS
    assert merged([sketch], hashes(number)) == sketch


def test_rows_that_overlap_count_their_common_results_once() -> None:
    known = hashes(3_000)
    small, other, large = (merged([], part) for part in (known[:600], known[400:1000], known))
    assert count_distinct([small, other]) == Distinct(1_000, True)
    assert count_distinct([small, memoryview(other)]) == Distinct(1_000, True)
    assert count_distinct([small, other, large]) == count_distinct([large])


@given(st.lists(st.integers(0, 2_500), min_size=1, max_size=5))
@settings(max_examples=30)
def test_the_order_of_merging_does_not_matter(sizes: list[int]) -> None:
    parts = [hashes(size, seed) for seed, size in enumerate(sizes)]
    one_by_one = b""
    for part in parts:
        one_by_one = merged([one_by_one], part)
    reverse = b""
    for part in reversed(parts):
        reverse = merged([reverse, merged([], part)], part[:1])
    assert one_by_one == reverse == merged([], np.concatenate(parts))
