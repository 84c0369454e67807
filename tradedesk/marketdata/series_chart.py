"""The chart of a series as the JSON that static/src/charts draws (docs/frontend.md)."""

from datetime import date
from typing import Any

import numpy as np

from tradedesk.core.bars import Bars, session_dates
from tradedesk.marketdata.chart_columns import price_columns


def between(bars: Bars, first: date | None, last: date | None) -> Bars:
    """The bars from one New York day to another, both included; None is the beginning or the end."""
    days = session_dates(bars.time)
    start = 0 if first is None else int(np.searchsorted(days, np.datetime64(first)))
    end = len(bars) if last is None else int(np.searchsorted(days, np.datetime64(last), side="right"))
    return bars[start:end]


def series_chart(bars: Bars, timeframe: str) -> dict[str, Any]:
    """Candles with their volume, at most MAX_POINTS of them."""
    return price_columns(bars, timeframe, {})
