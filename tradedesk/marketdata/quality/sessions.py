"""The bars of a series as sessions, and what is usual in those around one."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Bars, Floats, session_dates
from tradedesk.marketdata.quality.finding import Span, span

# Sessions, or bars, on each side that say what is usual; and the least that counts as a usual move.
USUAL_BARS, LEAST_USUAL = 60, 0.003


@dataclass(frozen=True, eq=False)
class Sessions:
    """bars: one for each New York day. first: the row in the series of the first bar of each; rows: of the
    series."""

    bars: Bars
    first: NDArray[np.intp]
    times: NDArray[np.datetime64]

    @cached_property
    def steps(self) -> Floats:
        """The logarithm of each open over the close before it; 0 for the first session."""
        return np.concatenate(([0.0], np.log(self.bars.open[1:] / self.bars.close[:-1])))

    @cached_property
    def moves(self) -> Floats:
        """The logarithm of each close over the close before it; 0 for the first session."""
        return np.concatenate(([0.0], np.diff(np.log(self.bars.close))))

    @cached_property
    def dollars(self) -> Floats:
        return self.bars.volume * self.bars.close

    def row_of(self, bar: int) -> int:
        """The session of this row of the series; the last one for a row after the end."""
        return int(np.searchsorted(self.first, bar, side="right")) - 1

    def around(self, row: int) -> NDArray[np.intp]:
        """The rows of the sessions around this one, without it."""
        end = min(len(self.first), row + 1 + USUAL_BARS)
        return np.concatenate((np.arange(max(0, row - USUAL_BARS), row), np.arange(row + 1, end)))

    def usual_move(self, row: int) -> float:
        """The usual move around this session: over night or from close to close, whichever is larger."""
        around = self.around(row)
        return max(LEAST_USUAL, usual(np.abs(self.steps[around])), usual(np.abs(self.moves[around])))

    def span(self, first: int, last: int, note: str) -> Span:
        """From the first bar of the session `first` to the first bar of the session `last`."""
        return span(self.times, int(self.first[first]), int(self.first[last]), note=note)


def by_session(bars: Bars) -> Sessions:
    """The bars of each New York day as one. Daily bars are their own sessions."""
    dates = session_dates(bars.time)
    first = np.concatenate(([0], np.flatnonzero(dates[1:] != dates[:-1]) + 1))
    last = np.concatenate((first[1:], [len(bars)])) - 1
    whole = Bars(
        bars.time[first],
        bars.open[first],
        np.maximum.reduceat(bars.high, first),
        np.minimum.reduceat(bars.low, first),
        bars.close[last],
        np.add.reduceat(bars.volume, first),
    )
    return Sessions(whole, first, bars.time)


def usual(values: Floats) -> float:
    """The median; 0 for no values."""
    return float(np.median(values)) if len(values) else 0.0
