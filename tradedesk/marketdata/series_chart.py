"""The chart of a series as the JSON that static/charts.js draws (docs/frontend.md)."""

from datetime import date

import numpy as np

from tradedesk.core.bars import Bars, Timeframe, session_dates
from tradedesk.marketdata.chart_points import Points, candles, chart_times, point_spans, points, reduce_spans


def between(bars: Bars, first: date | None, last: date | None) -> Bars:
    """The bars from one New York day to another, both included; None is the beginning or the end."""
    days = session_dates(bars.time)
    start = 0 if first is None else int(np.searchsorted(days, np.datetime64(first)))
    end = len(bars) if last is None else int(np.searchsorted(days, np.datetime64(last), side="right"))
    return bars[start:end]


def series_chart(bars: Bars, timeframe: str) -> dict[str, Points]:
    """{"bars", "lines"}: candles, and the volume below them. However many bars, at most MAX_POINTS points."""
    first, last = point_spans(len(bars))
    times = chart_times(bars.time[first], Timeframe(timeframe))
    volume = points(times, reduce_spans(np.add, bars.volume, first) / 1000, 1)
    return {
        "bars": candles(bars, times, first, last),
        "lines": [{"name": "Volume (thousands)", "pane": 1, "data": volume}],
    }
