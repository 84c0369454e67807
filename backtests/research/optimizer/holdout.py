"""The holdout: where the sessions that a search sees end, and those begin that it does not."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np

from tradedesk.core.bars import Bars, session_dates, to_datetime

MICROSECOND = timedelta(microseconds=1)
# 10 x (1 - 0.9) falls short of 1 by a hair.
TOLERANCE = 1e-9


def sessions_seen(count: int, holdout: float) -> int:
    """How many of `count` sessions stand before the last `holdout` of them: the whole number below, at least 1."""
    return max(math.floor(count * (1.0 - holdout) + TOLERANCE), 1)


def seen_until(bars: Mapping[str, Bars], start: datetime, end: datetime, holdout: float) -> datetime:
    """The last moment at which a bar may open that the search sees: `end` for no holdout, else just before the
    first bar of the last `holdout` of the sessions from start to end, those of all symbols together.
    """
    if not holdout:
        return end
    times = [own.since(start).until(end).time for own in bars.values()]
    moments = np.unique(np.concatenate(times)) if times else np.empty(0, "datetime64[us]")
    sessions, first = np.unique(session_dates(moments), return_index=True)
    seen = sessions_seen(len(sessions), holdout)
    return to_datetime(moments[first[seen]]) - MICROSECOND if seen < len(sessions) else end
