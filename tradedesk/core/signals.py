"""Signals: what a strategy decides at the close of each bar."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats


class Side(IntEnum):
    """The direction of a signal. The numbers are those of the `side` array of Signals."""

    SELL = -1
    HOLD = 0
    BUY = 1


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """One row for each bar they were computed from; row t is known at the close of bar t.

    side: int8 (n,), +1 BUY, -1 SELL, 0 HOLD. strength: float64 (n,), 0..1, how strong the signal is. lines: named
    indicators (n,) for the charts, NaN during the warm-up.
    """

    side: NDArray[np.int8]
    strength: Floats
    lines: dict[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.side)
