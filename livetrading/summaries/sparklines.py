"""The values of small lines without axes, which <desk-spark> draws. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sparkline:
    """change: what the colour shows, None for neither. zero: whether the line at zero is drawn. entry, exit: the
    ends of a trade, which are joined, each as a place among the values (0 is the first) and a height."""

    values: tuple[float, ...]
    change: float | None = None
    zero: bool = False
    entry: tuple[float, float] | None = None
    exit: tuple[float, float] | None = None

    @property
    def text(self) -> str:
        """The values as <desk-spark> reads them."""
        return ",".join(map(_short, self.values))

    @property
    def joins(self) -> str:
        """The ends of the trade as it reads them; "" without a trade."""
        ends = (self.entry, self.exit)
        return ",".join(f"{_short(place)}:{_short(height)}" for place, height in filter(None, ends))


def sparkline(values: Sequence[float], *, change: float | None = None, zero: bool = False) -> Sparkline | None:
    """None for less than two numbers. zero: draw the line at zero, unless it is so far away that it would
    flatten the values."""
    known = tuple(value for value in values if math.isfinite(value))
    if len(known) < 2:
        return None
    least, most = min(known), max(known)
    return Sparkline(known, change, zero and 2 * least - most <= 0 <= 2 * most - least)


def _short(value: float) -> str:
    """More digits than a few pixels can show would only make the page longer."""
    return f"{value:.6g}"
