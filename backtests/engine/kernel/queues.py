"""Queues: short lists of symbol numbers, each an array whose first `length` entries are in use."""

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats
from tradedesk.core.compiled import njit


@njit(cache=True)
def insert_by_strength(queue: NDArray[np.int64], length: int, symbol: int, strength: Floats) -> int:
    """Insert a symbol into queue[:length], the strongest first, ties by name. Returns the new length."""
    place = length
    while place > 0 and (
        strength[queue[place - 1]] < strength[symbol]
        or (strength[queue[place - 1]] == strength[symbol] and queue[place - 1] > symbol)
    ):
        queue[place] = queue[place - 1]
        place -= 1
    queue[place] = symbol
    return length + 1


@njit(cache=True)
def insert(ordered: NDArray[np.int64], length: int, symbol: int) -> int:
    """Insert a symbol into the ascending ordered[:length]. Returns the new length."""
    place = length
    while place > 0 and ordered[place - 1] > symbol:
        ordered[place] = ordered[place - 1]
        place -= 1
    ordered[place] = symbol
    return length + 1


@njit(cache=True)
def remove(listed: NDArray[np.int64], length: int, place: int) -> int:
    """Remove listed[place] from listed[:length]. Returns the new length."""
    for later in range(place + 1, length):
        listed[later - 1] = listed[later]
    return length - 1
