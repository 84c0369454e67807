"""Trials: what the trial registry keeps of results, made while they are computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from backtests.engine.kernel import TRIAL, write_weekly_sums
from backtests.engine.simulation import Scenario, Simulation
from backtests.research.robustness.chance import NO_MAXIMA, is_compared, maxima_of
from backtests.research.robustness.multipliers import Singles, Words, iso_weeks, mix
from tradedesk.core.bars import Floats
from tradedesk.core.metrics import session_returns
from tradedesk.core.ratios import sharpe_ratio


class Calendar(NamedTuple):
    """The ISO weeks of k sessions. first: the number of the first; weeks: how many. week (k,): of each session,
    counted from the first. key (k,): a random integer of each session."""

    first: int
    weeks: int
    week: NDArray[np.int64]
    key: NDArray[np.int64]

    @classmethod
    def of(cls, days: NDArray[np.int64]) -> Self:
        """days (k,): of each session, since 1970, ascending."""
        week = iso_weeks(days)
        first, last = (int(week[0]), int(week[-1])) if len(week) else (0, -1)
        return cls(first, last - first + 1, week - first, mix(days.view(np.uint64)).view(np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """n trials. sharpe (n,): per session, NaN without one. hashes (n,): equal for equal session returns. maxima
    (B,): what they add to the test against chance."""

    sharpe: Floats
    hashes: Words
    maxima: Singles

    @classmethod
    def of(cls, sharpe: Floats, weekly: Singles, trials: NDArray[np.void], calendar: Calendar) -> Self:
        """From the kernel's weekly sums (n, weeks) and TRIAL rows (n,)."""
        compared = is_compared(sharpe, trials["sessions"])
        hashes = mix(np.ascontiguousarray(trials["digest"]).view(np.uint64))
        return cls(sharpe, hashes, maxima_of(weekly[compared], calendar.first))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        maxima = np.max([NO_MAXIMA, *(part.maxima for part in parts)], axis=0)
        sharpe = np.concatenate([np.empty(0), *(part.sharpe for part in parts)])
        return cls(sharpe, np.concatenate([np.empty(0, np.uint64), *(part.hashes for part in parts)]), maxima)


def trial_of(scenario: Scenario, simulation: Simulation) -> Trials:
    """A single result, as `sweep_trials` makes it of a combination with the same returns."""
    ends = scenario.sessions.ends
    calendar = Calendar.of(scenario.sessions.number[ends])
    returns = session_returns(simulation.result.equity[ends], scenario.capital)
    return Trials.of(np.array([sharpe_ratio(returns, 0.0, 1.0)]), *weekly_sums_of(returns, calendar), calendar)


def weekly_sums_of(returns: Floats, calendar: Calendar) -> tuple[Singles, NDArray[np.void]]:
    """The weekly sums (1, weeks) and the TRIAL (1,) of session returns (n,)."""
    weekly, trial = np.zeros((1, calendar.weeks), np.float32), np.zeros(1, TRIAL)
    write_weekly_sums(returns, calendar.week, calendar.key, weekly[0], trial)
    return weekly, trial
