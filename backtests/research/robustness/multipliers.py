"""The multipliers of the test against chance: fixed for ever, so that all trials of all times share them."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats, read_only

DRAWS = 999  # B
# Multipliers are rounded to this, and weekly sums to engine.kernel.weekly_sums.WEEKLY_STEP: every product is then
# a multiple of 2^-19, and a sum of products is exact in float32 in any order, on every machine.
STEP = 1.0 / 128.0
GOLDEN, FIRST, SECOND = (np.uint64(each) for each in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
DAYS_TO_MONDAY = 3  # 1 January 1970, the day 0, is a Thursday
RECENT = 4  # periods whose multipliers stay in memory; 13 years are 2.7 MB

Words = NDArray[np.uint64]
Singles = NDArray[np.float32]


def mix(words: Words) -> Words:
    """The output of splitmix64 for these states. Source: G. L. Steele, D. Lea and C. H. Flood, Fast Splittable
    Pseudorandom Number Generators, OOPSLA (2014)."""
    words = words + GOLDEN
    words = (words ^ (words >> np.uint64(30))) * FIRST
    words = (words ^ (words >> np.uint64(27))) * SECOND
    return words ^ (words >> np.uint64(31))


def iso_weeks(days: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ISO week of each day (days since 1970), counted from the one that begins on Monday, 29 December 1969."""
    return (days + DAYS_TO_MONDAY) // 7


@lru_cache(maxsize=RECENT)
def multipliers(first: int, count: int) -> Singles:
    """g ~ N(0, 1), (weeks, B), of `count` ISO weeks from `first` on: a hash of (b, week), by Box and Muller."""
    weeks: Words = np.arange(first, first + count, dtype=np.int64).view(np.uint64)
    draws: Words = np.arange(DRAWS, dtype=np.uint64)
    cell = mix(np.add.outer(mix(weeks), draws))
    radius = np.sqrt(-2.0 * np.log(1.0 - _uniform(mix(cell))))
    normal = radius * np.cos(2.0 * np.pi * _uniform(mix(~cell)))
    return read_only((np.rint(normal / STEP) * STEP).astype(np.float32))


def _uniform(words: Words) -> Floats:
    """53 bits of each word, in [0, 1)."""
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
