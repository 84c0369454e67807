"""The holdout: the last sessions of a period, which a search does not use."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np

from tradedesk.core.bars import Bars, session_dates, to_datetime

MICROSECOND = timedelta(microseconds=1)
# 10 x (1 - 0.9) is slightly less than 1.
TOLERANCE = 1e-9


def search_sessions(count: int, holdout: float) -> int:
    """The number of sessions before the last fraction `holdout` of `count`: rounded down, at least 1."""
    return max(math.floor(count * (1.0 - holdout) + TOLERANCE), 1)


def search_end(bars: Mapping[str, Bars], start: datetime, end: datetime, holdout: float) -> datetime:
    """The latest opening time of a bar that the search uses: `end` without a holdout, else just before the first
    bar of the holdout, the last fraction `holdout` of all symbols' sessions from start to end.
    """
    if not holdout:
        return end
    times = [own.since(start).until(end).time for own in bars.values()]
    moments = np.unique(np.concatenate(times)) if times else np.empty(0, "datetime64[us]")
    sessions, first = np.unique(session_dates(moments), return_index=True)
    used = search_sessions(len(sessions), holdout)
    return to_datetime(moments[first[used]]) - MICROSECOND if used < len(sessions) else end
