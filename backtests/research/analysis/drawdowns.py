"""Drawdowns: the periods in which an equity curve is below its peak."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats

WORST = 5


@dataclass(frozen=True, slots=True)
class Drawdown:
    """peak, bottom: the sessions of these closes. recovery: that of the first close back at the peak, None when
    there is none.

    depth: the fall as a positive fraction of the peak. days: calendar days from the peak to the recovery, or to
    the last session.
    """

    peak: date
    bottom: date
    recovery: date | None
    depth: float
    days: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the dates as text."""
        return {name: str(value) if isinstance(value, date) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        dates = {name: date.fromisoformat(stored[name]) for name in ("peak", "bottom", "recovery") if stored[name]}
        return cls(**(stored | dates))


def worst_drawdowns(
    sessions: NDArray[np.datetime64], equity: Floats, capital: float, most: int = WORST
) -> list[Drawdown]:
    """The deepest drawdowns, the deepest first; of equal ones the earlier is first.

    sessions (m,): the session of each bar, datetime64[D]; equity (m,): dollars at its close. With
    P_t = max(E_0..E_t), a drawdown is a longest run of bars with E_t < P_t, and its depth is max(1 - E_t / P_t)
    over them, at most 1. The capital E_0 belongs to the first session. The first of these is
    core.metrics.max_drawdown.
    """
    peaks = np.maximum(np.maximum.accumulate(equity), capital)
    below = np.concatenate(([False], equity < peaks, [False]))
    starts = np.flatnonzero(below[1:] & ~below[:-1])
    ends = np.flatnonzero(below[:-1] & ~below[1:])  # the first rows back at the peak
    if not len(starts):
        return []
    falls = np.minimum(1.0 - equity / peaks, 1.0)
    depths = np.maximum.reduceat(falls, starts)
    deepest = np.argsort(-depths, kind="stable")[:most]
    days: list[date] = sessions.tolist()
    found = []
    for start, end, depth in zip(starts[deepest].tolist(), ends[deepest].tolist(), depths[deepest], strict=True):
        peak = days[max(start - 1, 0)]
        recovery = days[end] if end < len(days) else None
        bottom = days[start + int(falls[start:end].argmax())]
        found.append(Drawdown(peak, bottom, recovery, float(depth), ((recovery or days[-1]) - peak).days))
    return found
