"""The cone: what the trades of a backtest lead one to expect of a live strategy, session by session. Pure.

A bootstrap (Efron 1979; Efron and Tibshirani 1993, chapter 8) of the trades in groups: those that the backtest
entered in one session are drawn together, with the sessions since the group before and with their value at each
close. Decision 32 has the formula.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats

PERCENTILES = (5, 25, 50, 75, 95)
DRAWS = 1000
# Fewer tested trades say nothing; with fewer closed live ones nobody is alarmed.
LEAST_TESTED, LEAST_CLOSED = 10, 5
# Ten years; longer than that nothing is drawn.
MOST_SESSIONS = 2520


@dataclass(frozen=True, slots=True, eq=False)
class PastTrade:
    """A trade of the backtest. entry, exit: numbers of sessions since its start; an open one ends with the last
    session. returns: its value at the close of each session from the entry to the exit, as a fraction of what was
    paid; the last one is its return after costs."""

    entry: int
    returns: Floats


class Place(StrEnum):
    """Where a value lies. The values are stored and sent by the API."""

    BELOW = "below"
    LOWER = "lower"
    MIDDLE = "middle"
    UPPER = "upper"
    ABOVE = "above"

    @property
    def outside(self) -> str:
        """The side on which it is outside the cone; "" inside."""
        return self.value if self in (Place.BELOW, Place.ABOVE) else ""


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """gap: sessions since the group before. first, length: where the steps of a group are in `steps`."""

    gap: NDArray[np.int64]
    first: NDArray[np.int64]
    length: NDArray[np.int64]
    steps: Floats


def make_cone(
    trades: Sequence[PastTrade], sessions: int, dollars: float, *, seed: int, draws: int = DRAWS
) -> Floats:
    """The percentiles (5, k) of the profit in dollars at the close of each session, k = sessions, at most
    MOST_SESSIONS. dollars: what an entry costs. The same seed gives the same cone, and a longer one begins with
    the shorter. Raises ValueError for a trade that was entered before the second session."""
    length = min(sessions, MOST_SESSIONS)
    groups, random = _grouped(trades), np.random.default_rng(seed)
    steps = np.zeros(draws * length)
    at = np.zeros(draws, np.int64)
    path = np.arange(draws)
    while True:
        # A number for each path, finished or not, so that a path does not depend on the length.
        chosen = random.integers(len(groups.gap), size=draws)
        at += groups.gap[chosen]
        going = np.flatnonzero(at < length)
        if not len(going):
            break
        own = chosen[going]
        count = np.minimum(groups.length[own], length - at[going])
        within = np.arange(count.sum()) - np.repeat(count.cumsum() - count, count)
        cell = np.repeat(path[going] * length + at[going], count) + within
        np.add.at(steps, cell, groups.steps[np.repeat(groups.first[own], count) + within])
    profits = steps.reshape(draws, length).cumsum(axis=1) * dollars
    cone: Floats = np.percentile(profits, PERCENTILES, axis=0)
    return cone


def place_in(value: float, percentiles: Sequence[float]) -> Place:
    """percentiles: those of PERCENTILES at one session. On a border it is inside."""
    lowest, low, _, high, highest = percentiles
    if value < lowest:
        return Place.BELOW
    if value > highest:
        return Place.ABOVE
    if value < low:
        return Place.LOWER
    return Place.UPPER if value > high else Place.MIDDLE


def trade_returns(closes: Floats, paid: float, final: float) -> Floats:
    """The returns of a trade: from the closes of its sessions before the last, NaN where there is none, and its
    return after costs."""
    held = closes / paid - 1.0
    known = np.concatenate(([0.0], held))
    latest = np.maximum.accumulate(np.where(np.isnan(known), 0, np.arange(len(known))))
    return np.append(known[latest][1:], final)


def _grouped(trades: Sequence[PastTrade]) -> _Groups:
    entries = sorted({trade.entry for trade in trades})
    if not entries or entries[0] < 1:
        raise ValueError("A group of trades begins in the second session or later.")
    columns = []
    for entry in entries:
        own = [trade.returns for trade in trades if trade.entry == entry]
        total = np.zeros(max(len(returns) for returns in own))
        for returns in own:
            total[: len(returns)] += np.diff(returns, prepend=0.0)
        columns.append(total)
    lengths = np.array([len(column) for column in columns], np.int64)
    gaps = np.array([entry - before for before, entry in pairwise([0, *entries])], np.int64)
    return _Groups(gaps, lengths.cumsum() - lengths, lengths, np.concatenate(columns))
