"""A panel: the bars of several symbols on one time axis, as the kernel wants them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Bars, Floats, Times, session_dates, to_datetime64

Cell = TypeVar("Cell", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """n rows by s symbols, the symbols sorted by name, so that no result depends on the order of a mapping.

    time (n,): the union of the symbols' times. open, high, low, close (n, s): NaN where a symbol has no bar.
    session (n,): the number of the day of each row. counts (s): bars of each symbol; rows: the row of
    each of them.
    """

    symbols: tuple[str, ...]
    time: Times
    session: NDArray[np.int64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    counts: tuple[int, ...]
    rows: tuple[NDArray[np.intp] | slice, ...]

    def spread(self, columns: Sequence[NDArray[Cell]], empty: float) -> NDArray[Cell]:
        """One column per symbol, each as long as its symbol's bars, laid out on the panel (n, s)."""
        return _spread(columns, self.rows, len(self.time), empty)

    def row_of(self, moment: datetime | None) -> int:
        """The first row at or after `moment`; 0 for None."""
        return 0 if moment is None else int(np.searchsorted(self.time, to_datetime64(moment)))


def make_panel(bars: Mapping[str, Bars]) -> Panel:
    """The panel of these bars. They must be valid (core.bars.validate); nothing is checked here."""
    symbols = tuple(sorted(bars))
    times = [bars[symbol].time for symbol in symbols]
    rows: tuple[NDArray[np.intp] | slice, ...]
    if not times:
        time, rows = np.empty(0, "datetime64[us]"), ()
    elif all(np.array_equal(times[0], other) for other in times[1:]):
        time, rows = times[0], (slice(None),) * len(symbols)
    else:
        time = np.unique(np.concatenate(times))
        rows = tuple(np.searchsorted(time, own) for own in times)
    prices = {
        name: _spread([getattr(bars[symbol], name) for symbol in symbols], rows, len(time), np.nan)
        for name in ("open", "high", "low", "close")
    }
    return Panel(
        symbols=symbols,
        time=time,
        session=session_dates(time).astype(np.int64),
        counts=tuple(len(own) for own in times),
        rows=rows,
        **prices,
    )


def _spread(
    columns: Sequence[NDArray[Cell]],
    rows: tuple[NDArray[np.intp] | slice, ...],
    length: int,
    empty: float,
) -> NDArray[Cell]:
    table = np.full((length, len(columns)), empty, dtype=columns[0].dtype if columns else np.float64)
    for place, (column, own) in enumerate(zip(columns, rows, strict=True)):
        table[own, place] = column
    return table
