"""Points: arrays as the JSON of a chart, no more of them than a screen can show."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats, Timeframe, Times, session_dates

# More points than this no screen tells apart; beyond it neighbours are drawn as one.
MAX_POINTS = 5000
Points = list[dict[str, Any]]


def groups(length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first and the last row of each group of neighbours that is drawn as one point."""
    size = -(-length // MAX_POINTS) or 1
    first = np.arange(0, length, size)
    return first, np.minimum(first + size, length) - 1


def reduced(function: np.ufunc, values: Floats, first: NDArray[np.int64]) -> Floats:
    return function.reduceat(values, first) if len(values) else values


def written(times: Times, timeframe: Timeframe) -> list[Any]:
    """Days as text, moments as unix seconds."""
    days = timeframe is Timeframe.DAY
    texts = session_dates(times).astype(str) if days else times.astype("datetime64[s]").astype(int)
    return list(texts.tolist())


def points(times: list[Any], values: Floats, places: int) -> Points:
    """A point without a value is a gap."""
    return [
        {"time": time, "value": value} if value == value else {"time": time}
        for time, value in zip(times, values.round(places).tolist(), strict=True)
    ]
