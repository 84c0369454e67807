"""Price matrix: the bars of several symbols on one time axis, in the form that the kernel needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Bars, Floats, Times, read_only, session_numbers, to_datetime64
from tradedesk.core.rules import RiskRules
from tradedesk.core.true_range import average_true_range

Cell = TypeVar("Cell", bound=np.generic)
Rows = NDArray[np.intp] | slice
UNUSED = read_only(np.empty((0, 0)))


@dataclass(frozen=True, eq=False)
class PriceMatrix:
    """n rows by s symbols, the symbols sorted by name, so that no result depends on the order of a mapping.

    time (n,): the union of the symbols' times. open, high, low (n, s): NaN where a symbol has no bar. mark (n, s):
    the last close, NaN before the first. session (n,): the day number of each row. counts (s): the number of bars
    of each symbol; rows: the matrix rows of these bars. The arrays are read-only; a single symbol's are not
    copied.
    """

    symbols: tuple[str, ...]
    time: Times
    session: NDArray[np.int64]
    open: Floats
    high: Floats
    low: Floats
    mark: Floats
    counts: tuple[int, ...]
    rows: tuple[Rows, ...]

    def prices(self, first: int, rules: RiskRules) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """open, high, low, mark and average_true_range from row `first` on; the last is (0, 0) if no rule needs
        it."""
        ranges = UNUSED if rules.trailing_stop_atr is None else self.average_true_range[first:]
        return self.open[first:], self.high[first:], self.low[first:], self.mark[first:], ranges

    @cached_property
    def average_true_range(self) -> Floats:
        """The average true range of each symbol's own bars (n, s), NaN where it has none."""
        columns = [
            average_true_range(self.high[own, place], self.low[own, place], self.mark[own, place])
            for place, own in enumerate(self.rows)
        ]
        return self.align(columns, np.nan)

    def align(self, columns: Sequence[NDArray[Cell]], empty: float) -> NDArray[Cell]:
        """The columns (n, s) on the rows of the matrix, from one column a symbol, as long as its bars."""
        return _align(columns, self.rows, len(self.time), empty)

    def rows_since(self, place: int, first: int) -> Sequence[int]:
        """The rows from `first` on that are bars of the symbol at this place."""
        own = self.rows[place]
        if isinstance(own, slice):
            return range(first, len(self.time))
        found: Sequence[int] = own[np.searchsorted(own, first) :]  # type: ignore[assignment]  # an array of integers
        return found

    def row_of(self, moment: datetime | None) -> int:
        """The first row at or after `moment`; 0 for None."""
        return 0 if moment is None else int(np.searchsorted(self.time, to_datetime64(moment)))


def make_price_matrix(bars: Mapping[str, Bars]) -> PriceMatrix:
    """The matrix of these bars, which must be valid (core.bars.validate); they are not checked here."""
    symbols = tuple(sorted(bars))
    times = [bars[symbol].time for symbol in symbols]
    rows: tuple[Rows, ...] = (slice(None),) * len(symbols)
    complete = all(_are_equal(times[0], other) for other in times[1:])
    if complete:
        time = times[0] if times else np.empty(0, "datetime64[us]")
    else:
        time = np.unique(np.concatenate(times))
        rows = tuple(np.searchsorted(time, own) for own in times)
    prices = {
        name: _align([getattr(bars[symbol], name) for symbol in symbols], rows, len(time), np.nan)
        for name in ("open", "high", "low", "close")
    }
    close = prices.pop("close")
    return PriceMatrix(
        symbols=symbols,
        time=time,
        session=session_numbers(time),
        mark=close if complete else _carried_forward(close),
        counts=tuple(len(own) for own in times),
        rows=rows,
        **prices,
    )


def _are_equal(times: Times, others: Times) -> bool:
    """Whether valid times are equal: as integers, because numpy would look for missing ones in each of them."""
    if times.dtype != others.dtype:
        return np.array_equal(times, others)
    return np.array_equal(times.view(np.int64), others.view(np.int64))


def _align(columns: Sequence[NDArray[Cell]], rows: Sequence[Rows], length: int, empty: float) -> NDArray[Cell]:
    if len(columns) == 1:
        return read_only(columns[0]).reshape(length, 1)
    complete = all(isinstance(own, slice) for own in rows)
    dtype = columns[0].dtype if columns else np.float64
    shape = (length, len(columns))
    table = np.empty(shape, dtype) if complete else np.full(shape, empty, dtype)
    for place, (column, own) in enumerate(zip(columns, rows, strict=True)):
        table[own, place] = column
    return read_only(table)


def _carried_forward(close: Floats) -> Floats:
    """The closes (n, s) with each NaN replaced by the value before it in its column."""
    latest = np.where(np.isnan(close), 0, np.arange(len(close))[:, np.newaxis])
    return read_only(np.take_along_axis(close, np.maximum.accumulate(latest, axis=0), axis=0))
