"""Excursions: how far the price went against a trade (MAE) and in its favour (MFE) while it was held.

Source: J. Sweeney, Maximum Adverse Excursion (1997).
"""

from dataclasses import dataclass

import numpy as np

from tradedesk.core.bars import Bars

# Bars at the entry whose prices are all further than this fraction from what was paid have another scale: the
# smallest usual split is 5 for 4.
OTHER_SCALE = 0.2


@dataclass(frozen=True, slots=True)
class Excursion:
    """Dollars per share, 0 or above. adverse: entry - lowest price; favourable: highest price - entry."""

    adverse: float
    favourable: float


def excursion(
    bars: Bars, entry: np.datetime64, exit_: np.datetime64, entry_price: float, exit_price: float
) -> Excursion | None:
    """The excursion of a long trade; None without bars at its entry.

    It counts the whole bars from the one of the entry to the one before the exit, and the price of the exit: a bar
    does not tell which of its prices came after the sale. A trade within one bar has only its exit's price.
    """
    first = int(np.searchsorted(bars.time, entry, side="right")) - 1
    last = int(np.searchsorted(bars.time, exit_, side="right")) - 1
    if first < 0:
        return None
    low = min(float(bars.low[first:last].min(initial=np.inf)), exit_price)
    high = max(float(bars.high[first:last].max(initial=-np.inf)), exit_price)
    return Excursion(max(entry_price - low, 0.0), max(high - entry_price, 0.0))


def is_at_scale(bars: Bars, entry: np.datetime64, paid: float) -> bool:
    """Whether the bars at the time of the entry have prices like the one that was paid: after a split they are
    imported again at another scale. True without bars there."""
    after = int(np.searchsorted(bars.time, entry, side="left"))
    near = bars[max(after - 1, 0) : after + 1]
    low, high = near.low.min(initial=np.inf), near.high.max(initial=0.0)
    return not len(near) or bool(low * (1 - OTHER_SCALE) < paid < high / (1 - OTHER_SCALE))
