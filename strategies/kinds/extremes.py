"""Extreme zones: buying where a value is low and selling where it is high, on the way in or on the way out."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from strategies.kinds.base import Choice
from strategies.kinds.crossings import ABOVE, BELOW, crossings
from tradedesk.core.bars import Floats


class EnterOn(IntEnum):
    """The values of the parameter “enter on”."""

    TOUCH = 0
    RETURN = 1


def enter_on_choice(default: EnterOn, help_text: str) -> Choice:
    """The parameter “enter on” of a kind that buys and sells at extreme values."""
    options = {"touch": "Touch: as it enters the extreme zone", "return": "Return: as it comes back out"}
    return Choice(default.name.lower(), options, label="Enter on", help_text=help_text)


def extreme_sides(
    values: Floats, low: float, high: float, level: float, mode: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where to buy and where to sell, (n,) each; never both on one bar.

    TOUCH: buy as `values` cross below `low`, sell as they cross above `high`. RETURN: buy as they come back above
    `low`, sell as they come back below `high`. level: as in `crossings`.
    """
    at_low, at_high = crossings(values, low, level), crossings(values, high, level)
    if mode == EnterOn.TOUCH:
        return at_low == BELOW, at_high == ABOVE
    return at_low == ABOVE, at_high == BELOW
