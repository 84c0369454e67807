"""Quiet bars: those that only move the prices. How many lie ahead, and what the lots are worth at their closes.

Most cells say nothing and most bars touch nothing, so many at a time are asked whether one of them does: a loop to
the end of an array, without a look in between, is one that the compiler turns into vector instructions.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tradedesk.core.bars import Floats
from tradedesk.core.money import round_money

NO_LOT = -1
CELLS, BARS = 16, 64


@njit(cache=True)
def rows_until_signal(said: NDArray[np.int8], lot_of: NDArray[np.int64]) -> int:
    """How many rows pass before a signal asks for a trade, a SELL of what is held or a BUY of what is not."""
    symbols = len(lot_of)
    cell = next_signal(said, 0)
    while cell < len(said):
        s = cell % symbols if symbols > 1 else 0  # a division for each bar of a BUY that is kept is felt
        if (said[cell] < 0) == (lot_of[s] != NO_LOT):
            break
        cell = next_signal(said, cell + 1)
    return cell // symbols


@njit(cache=True)
def next_signal(said: NDArray[np.int8], cell: int) -> int:
    """The first cell from `cell` on that is not HOLD; the length for none."""
    while cell + CELLS <= len(said) and said[cell] == 0:
        block, anything = said[cell : cell + CELLS], False
        for place in range(CELLS):
            anything |= block[place] != 0
        if anything:
            break
        cell += CELLS
    while cell < len(said) and said[cell] == 0:
        cell += 1
    return cell


@njit(cache=True)
def rows_until_touched(low: Floats, high: Floats, symbol: int, stop: float, target: float) -> int:
    """How many rows pass before the symbol's stop or target is touched."""
    row = 0
    while row + BARS <= len(low):
        lows, highs, touched = low[row : row + BARS], high[row : row + BARS], False
        for t in range(BARS):
            touched |= (lows[t, symbol] <= stop) | (highs[t, symbol] >= target)
        if touched:
            break
        row += BARS
    while row < len(low) and not (low[row, symbol] <= stop or high[row, symbol] >= target):
        row += 1
    return row


@njit(cache=True)
def add_worth(equity: Floats, mark: Floats, symbol: int, quantity: float) -> None:
    """Add what the symbol's lot is worth at each close to the equity (k,)."""
    for t in range(len(equity)):
        equity[t] += quantity * mark[t, symbol]


@njit(cache=True)
def round_each(equity: Floats) -> None:
    for t in range(len(equity)):
        equity[t] = round_money(equity[t])
