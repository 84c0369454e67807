"""Extreme zones: buying where a value is low and selling where it is high, on the way in or on the way out."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from strategies.kinds.base import Choice
from strategies.kinds.crossings import TOLERANCE
from tradedesk.core.bars import Floats, read_only
from tradedesk.core.compiled import njit


class EnterOn(IntEnum):
    """The values of the parameter “enter on”."""

    TOUCH = 0
    RETURN = 1


def enter_on_choice(default: EnterOn, help_text: str) -> Choice:
    """The parameter “enter on” of a kind that buys and sells at extreme values."""
    options = {"touch": "Touch: as it enters the extreme zone", "return": "Return: as it comes back out"}
    return Choice(default.name.lower(), options, label="Enter on", help_text=help_text)


def extreme_sides(values: Floats, low: float, high: float, level: float, mode: int) -> NDArray[np.int8]:
    """The sides (n,).

    TOUCH: buy as `values` cross below `low`, sell as they cross above `high`. RETURN: buy as they come back above
    `low`, sell as they come back below `high`. Crossings and level: as in `crossings`.
    """
    side = np.empty(len(values), np.int8)
    outwards = 1.0 if mode == EnterOn.TOUCH else -1.0
    _write(read_only(values), float(low), float(high), TOLERANCE * level, outwards, side)
    return side


@njit(cache=True, nogil=True)
def _write(values: Floats, low: float, high: float, tie: float, outwards: float, side: NDArray[np.int8]) -> None:
    """outwards: 1.0 to act on the way into a zone, -1.0 on the way out of it."""
    side[:1] = 0
    for t in range(1, len(values)):
        now, before = values[t], values[t - 1]
        known = not np.isnan(before)
        buy = (outwards * (now - low) < -tie) & (not (outwards * (before - low) < -tie)) & known
        sell = (outwards * (now - high) > tie) & (not (outwards * (before - high) > tie)) & known
        side[t] = np.int8(buy) - np.int8(sell)
