"""Signals: what a strategy decides at the close of each bar."""

from collections.abc import Callable, Mapping
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats


class Side(IntEnum):
    """The direction of a signal. The numbers are those of the `side` array of Signals."""

    SELL = -1
    HOLD = 0
    BUY = 1


class Signals:
    """One row for each bar they were computed from; row t is known at the close of bar t.

    side: int8 (n,), +1 BUY, -1 SELL, 0 HOLD. strength: float64 (n,), 0..1, how strong the signal is; None for 1.0
    wherever there is a signal. lines: named indicators (n,) for the charts, NaN during the warm-up. Strength and
    lines may be functions: they are called when somebody reads them, and a backtest reads no lines.
    """

    __slots__ = ("_lines", "_strength", "is_full", "is_lazy", "side")

    def __init__(
        self,
        side: NDArray[np.int8],
        strength: Floats | Callable[[], Floats] | None = None,
        lines: Mapping[str, Floats] | Callable[[], Mapping[str, Floats]] | None = None,
    ) -> None:
        self.side = side
        self.is_full = strength is None
        self.is_lazy = callable(strength)
        self._strength = strength
        self._lines = {} if lines is None else lines

    @property
    def strength(self) -> Floats:
        if self._strength is None:
            self._strength = np.abs(self.side).astype(np.float64)
        elif callable(self._strength):
            self._strength = self._strength()
        return self._strength

    @property
    def lines(self) -> dict[str, Floats]:
        if not isinstance(self._lines, dict):
            self._lines = dict(self._lines() if callable(self._lines) else self._lines)
        return self._lines

    def __len__(self) -> int:
        return len(self.side)
