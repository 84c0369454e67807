"""The common start of a run: the first session on which every row that can trade may decide.

Rows that begin to trade on different days are not comparable: sitting out a part of the period is market timing.
So all rows of a universe are scored from the end of the run's longest warm-up, which is counted from the first
stored bar.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from backtests.research.optimizer.holdout import search_sessions
from backtests.research.optimizer.warmups import Warmups
from tradedesk.core.bars import Bars, Times, session_dates, to_datetime64

# A warm-up that leaves fewer sessions to score does not decide where the others begin: its rows cannot be judged.
FEWEST_SESSIONS = 20


@dataclass(frozen=True, slots=True)
class CommonStart:
    """start: the first session that counts. warmup: the longest warm-up that is complete by then, in bars; 0 if no
    combination can be scored. left_out: the number of the `combinations` whose warm-up leaves fewer than
    FEWEST_SESSIONS of the period, or of all its sessions. limit: the longest warm-up that leaves them. values: by
    parameter, the lowest and the highest value with which no combination can be scored."""

    start: date
    warmup: int
    combinations: int
    left_out: int
    limit: int
    values: dict[str, tuple[int | float, int | float]]

    @property
    def can_trade(self) -> bool:
        return self.left_out < self.combinations

    def as_json(self) -> dict[str, Any]:
        return {
            "start": self.start.isoformat(),
            "warmup": self.warmup,
            "combinations": self.combinations,
            "left_out": self.left_out,
            "limit": self.limit,
            "values": {name: list(ends) for name, ends in self.values.items()},
        }


def common_start(
    warmups: Warmups, bars: Mapping[str, Bars], start: datetime, end: datetime, holdout: float
) -> CommonStart:
    """bars: the whole history of each symbol of the universe. start, end: of the period. holdout: the last
    fraction of the sessions, which is not scored.

    With several symbols the warm-up is complete when it is for the first of them; the others join as they would in
    a backtest. A warm-up that ends within a session counts from the next one.
    """
    until_end = [own.until(end).time for own in bars.values()]
    firsts = _first_bars([times[times >= to_datetime64(start)] for times in until_end])
    if not len(firsts):
        return CommonStart(start.date(), 0, sum(warmups.counts.values()), 0, 0, {})
    latest = firsts[max(len(firsts) - _sessions_needed(holdout), 0)]
    limit = max(int(np.searchsorted(times, latest, side="right")) for times in until_end)
    warmup = warmups.longest_within(limit)
    complete = min((times[warmup - 1] for times in until_end if len(times) >= warmup > 0), default=firsts[0])
    first = firsts[np.searchsorted(firsts, max(complete, firsts[0]))]
    return CommonStart(
        start=start.date() if first == firsts[0] else session_dates(np.array([first]))[0].item(),
        warmup=warmup,
        combinations=sum(warmups.counts.values()),
        left_out=warmups.count_beyond(limit),
        limit=limit,
        values=warmups.values_beyond(limit),
    )


def _first_bars(times: list[Times]) -> Times:
    """The time of the first bar of each session, in order."""
    moments = np.unique(np.concatenate(times)) if times else np.empty(0, "datetime64[us]")
    _, first = np.unique(session_dates(moments), return_index=True)
    found: Times = moments[first]
    return found


def _sessions_needed(holdout: float) -> int:
    """The fewest sessions of which FEWEST_SESSIONS are before the holdout."""
    count = FEWEST_SESSIONS
    while search_sessions(count, holdout) < FEWEST_SESSIONS:
        count += 1
    return count
