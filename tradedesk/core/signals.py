"""Signals: what a strategy says at the close of each bar."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats


class Side(IntEnum):
    """What to do; the numbers are what the `side` array of Signals holds."""

    SELL = -1
    HOLD = 0
    BUY = 1


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """Aligned with the bars they were computed from; row t is known at the close of bar t.

    side: int8 (n,), +1 BUY, -1 SELL, 0 HOLD. strength: float64 (n,), 0..1, how sure the strategy is of
    that side. lines: named indicator arrays (n,), NaN while warming up, drawn on the charts.
    """

    side: NDArray[np.int8]
    strength: Floats
    lines: dict[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.side)
