"""Arrays as the points of a chart, at most MAX_POINTS of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Bars, Floats, Timeframe, Times, session_dates

# No screen shows more points; beyond it neighbouring rows become one point.
MAX_POINTS = 5000
Points = list[dict[str, Any]]


def point_spans(length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first and the last row of each point."""
    size = -(-length // MAX_POINTS) or 1
    first = np.arange(0, length, size)
    return first, np.minimum(first + size, length) - 1


def reduce_spans(function: np.ufunc, values: Floats, first: NDArray[np.int64]) -> Floats:
    """The function, such as np.maximum, over the rows of each point."""
    return function.reduceat(values, first) if len(values) else values


def chart_times(times: Times, timeframe: Timeframe) -> list[Any]:
    """Dates of daily bars as text, times of shorter bars as unix seconds."""
    days = Timeframe(timeframe).is_dated
    texts = session_dates(times).astype(str) if days else times.astype("datetime64[s]").astype(int)
    return list(texts.tolist())


def points(times: list[Any], values: Floats, places: int) -> Points:
    """A point for each time; NaN becomes a point without a value, which the chart draws as a gap."""
    return [
        {"time": time, "value": value} if value == value else {"time": time}
        for time, value in zip(times, values.round(places).tolist(), strict=True)
    ]


def candles(bars: Bars, times: list[Any], first: NDArray[np.int64], last: NDArray[np.int64]) -> Points:
    """A candle for each point: its first open, its highest high, its lowest low and its last close."""
    columns = (
        bars.open[first],
        reduce_spans(np.maximum, bars.high, first),
        reduce_spans(np.minimum, bars.low, first),
        bars.close[last],
    )
    rows = zip(times, *(column.round(4).tolist() for column in columns), strict=True)
    return [{"time": t, "open": o, "high": h, "low": low, "close": c} for t, o, h, low, c in rows]
