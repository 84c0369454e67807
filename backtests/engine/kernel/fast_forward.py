"""Fast-forward over bars without events: how many there are, and what the lots are worth at their closes.

Most bars have no signal to act on and touch no stop or target. The inner loops therefore test whole blocks of
values and never leave early, so that the compiler turns them into vector instructions.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats
from tradedesk.core.compiled import njit
from tradedesk.core.fills import trailing_stop
from tradedesk.core.money import round_money

NO_LOT = -1
SIGNAL_BLOCK, PRICE_BLOCK = 16, 64


@njit(cache=True)
def rows_until_signal(sides: NDArray[np.int8], lot_of: NDArray[np.int64]) -> int:
    """The number of rows before the first signal that requires a trade: a SELL of a held symbol, a BUY of another.

    sides: (rows x symbols,), row after row. lot_of (symbols,): the lot of each symbol, NO_LOT for none.
    """
    symbols = len(lot_of)
    cell = next_signal(sides, 0)
    while cell < len(sides):
        s = cell % symbols if symbols > 1 else 0  # without the branch the division costs measurable time
        if (sides[cell] < 0) == (lot_of[s] != NO_LOT):
            break
        cell = next_signal(sides, cell + 1)
    return cell // symbols


@njit(cache=True)
def next_signal(sides: NDArray[np.int8], cell: int) -> int:
    """The first cell at or after `cell` that is not HOLD; the length if there is none."""
    while cell + SIGNAL_BLOCK <= len(sides) and sides[cell] == 0:
        block, found = sides[cell : cell + SIGNAL_BLOCK], False
        for offset in range(SIGNAL_BLOCK):
            found |= block[offset] != 0
        if found:
            break
        cell += SIGNAL_BLOCK
    while cell < len(sides) and sides[cell] == 0:
        cell += 1
    return cell


@njit(cache=True)
def rows_until_touched(low: Floats, high: Floats, symbol: int, stop: float, target: float) -> int:
    """The number of rows before the first one that touches the symbol's stop or target."""
    row = 0
    while row + PRICE_BLOCK <= len(low):
        lows, highs, touched = low[row : row + PRICE_BLOCK], high[row : row + PRICE_BLOCK], False
        for t in range(PRICE_BLOCK):
            touched |= (lows[t, symbol] <= stop) | (highs[t, symbol] >= target)
        if touched:
            break
        row += PRICE_BLOCK
    while row < len(low) and not (low[row, symbol] <= stop or high[row, symbol] >= target):
        row += 1
    return row


@njit(cache=True)
def rows_until_trailed(low: Floats, high: Floats, symbol: int, lot: Any, rules: Any) -> int:
    """The same for a lot with a trailing stop, which each row may raise for the rows after it; the lot itself is
    left as it is."""
    stop, highest = lot["stop_price"], lot["highest"]
    for row in range(len(low)):
        if low[row, symbol] <= stop or high[row, symbol] >= lot["target_price"]:
            return row
        if high[row, symbol] > highest:
            highest = high[row, symbol]
            stop = max(stop, trailing_stop(highest, rules.trailing_stop_pct, lot["trailing_distance"]))
    return len(low)


@njit(cache=True)
def add_value(equity: Floats, mark: Floats, symbol: int, quantity: float) -> None:
    """Add the value of the symbol's lot at each close to the equity (k,)."""
    for t in range(len(equity)):
        equity[t] += quantity * mark[t, symbol]


@njit(cache=True)
def round_all(equity: Floats) -> None:
    for t in range(len(equity)):
        equity[t] = round_money(equity[t])
