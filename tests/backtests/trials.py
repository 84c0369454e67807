"""Trials as a sweep gives them, of random session returns."""

import numpy as np

from backtests.engine.kernel import TRIAL, write_weekly_sums
from backtests.research.robustness.deflated_sharpe import Moments, moments
from backtests.research.robustness.trials import Calendar, Trials
from tradedesk.core.bars import Floats
from tradedesk.core.metrics import SESSIONS_PER_YEAR

MONDAY = 12_786  # 3 January 2005, days since 1970


def days_of(sessions: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Weekdays from a Monday on, as days since 1970."""
    number = np.arange(sessions)
    return MONDAY + number // 5 * 7 + number % 5


def trials_of(returns: Floats) -> Trials:
    """returns (k, n): the session returns of each trial."""
    calendar = Calendar.of(days_of(returns.shape[1]))
    weekly, rows = np.zeros((len(returns), calendar.weeks), np.float32), np.zeros(len(returns), TRIAL)
    for place, one in enumerate(returns):
        write_weekly_sums(one, calendar.week, calendar.key, weekly[place], rows[place : place + 1])
    return Trials.of(sharpe_of(returns) / SESSIONS_PER_YEAR**0.5, weekly, rows, calendar)


def sharpe_of(returns: Floats) -> Floats:
    """Annual, (k,); NaN without spread."""
    spread = returns.std(axis=1, ddof=1)
    known = np.where(spread < 1e-12, np.nan, spread)
    sharpe: Floats = returns.mean(axis=1) / known * SESSIONS_PER_YEAR**0.5
    return sharpe


def random_returns(number: int, seed: int = 1, sessions: int = 60) -> Floats:
    return np.random.default_rng(seed).normal(0.0, 0.01, (number, sessions))


def random_trials(number: int, seed: int = 1) -> Trials:
    return trials_of(random_returns(number, seed))


def sample_of(returns: Floats) -> Moments:
    found = moments(returns)
    assert found is not None
    return found
