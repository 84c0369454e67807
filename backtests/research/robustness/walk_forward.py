"""Walk-forward: select a combination on the past, trade it in the next fold, and repeat."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtests.research.optimizer.holdout import search_sessions
from backtests.research.robustness.deflated_sharpe import moments, probabilistic_sharpe
from tradedesk.core.bars import Floats
from tradedesk.core.metrics import NO_SPREAD, sharpe_ratio
from tradedesk.core.years import is_yearly, periods_per_year

Days = NDArray[np.int64]  # of each session, since 1970

FOLDS = 8
HOLDOUT = 0.3  # the default fraction of the sessions that is kept out of sample


@dataclass(frozen=True, slots=True)
class Fold:
    """Sessions first..last - 1, traded with the column that was best on all sessions before. Sharpe ratios are
    annual, None where undefined and over fewer days than a figure per year needs.
    """

    first: int
    last: int
    column: int
    in_sample: float | None
    out_of_sample: float | None


@dataclass(frozen=True, slots=True, eq=False)
class WalkForward:
    """returns (k,): out of sample, of all folds. sharpe: their annual Sharpe ratio, as in Fold. efficiency: their
    Sharpe ratio divided by the mean in-sample one of the selected columns; None when that mean is not above zero.
    probability: that the true Sharpe ratio of the returns is above zero.
    """

    folds: list[Fold]
    returns: Floats
    sharpe: float | None
    efficiency: float | None
    probability: float | None


def walk_forward(returns: Floats, days: Days, folds: int = FOLDS) -> WalkForward | None:
    """returns: (sessions, columns); days (sessions,). The sessions are cut into folds + 1 parts; each part except
    the first is traded with the column whose Sharpe ratio was best over all earlier parts. None when a part has
    fewer than two sessions. A change of the column between two folds has no costs here.

    Source: R. Pardo, The Evaluation and Optimization of Trading Strategies (2008), ch. 11; anchored windows.
    """
    sessions, columns = returns.shape
    edges = np.linspace(0, sessions, folds + 2).astype(int)
    if not columns or np.diff(edges).min() < 2:
        return None
    traded_folds: list[Fold] = []
    joined: list[Floats] = []
    past: list[float] = []  # Sharpe ratios per session
    for first, last in zip(edges[1:-1].tolist(), edges[2:].tolist(), strict=True):
        column = _best(returns[:first])
        traded = returns[first:last, column]
        before = returns[:first, column]
        past.append(sharpe_ratio(before, 0.0, 1.0) or 0.0)
        in_sample, after = _annual(before, days[:first], days), _annual(traded, days[first:last], days)
        traded_folds.append(Fold(first, last, column, in_sample, after))
        joined.append(traded)
    all_returns, all_days = np.concatenate(joined), days[edges[1] :]
    per_session, mean_past = sharpe_ratio(all_returns, 0.0, 1.0), float(np.mean(past))
    efficiency = per_session / mean_past if per_session is not None and mean_past > 0.0 else None
    return WalkForward(
        traded_folds, all_returns, _annual(all_returns, all_days, days), efficiency, _probability(all_returns)
    )


def _annual(returns: Floats, days: Days, calendar: Days) -> float | None:
    """The annual Sharpe ratio of some of the sessions of a calendar; None over too few days for a year."""
    return sharpe_ratio(returns, 0.0, float(periods_per_year(calendar))) if is_yearly(days) else None


def _probability(returns: Floats) -> float | None:
    """That the true Sharpe ratio is above zero; None where there is no Sharpe ratio."""
    sample = moments(returns)
    return probabilistic_sharpe(sample) if sample else None


def _best(past: Floats) -> int:
    """The column with the highest Sharpe ratio; a constant one is last."""
    spread = past.std(axis=0, ddof=1)
    constant = spread < NO_SPREAD
    return int(np.where(constant, -np.inf, past.mean(axis=0) / np.where(constant, 1.0, spread)).argmax())


@dataclass(frozen=True, slots=True)
class OutOfSample:
    """Annual Sharpe ratios before and in the holdout, as in Fold; the sign of the one before; the probability that
    the true one in the holdout is above zero; its total return (a fraction), number of sessions and first session,
    counted from 0. went_to_zero: the account did, before or in the holdout."""

    in_sample: float | None
    out_of_sample: float | None
    gained_before: bool
    probability: float | None
    total_return: float
    sessions: int
    first: int
    went_to_zero: bool


def out_of_sample(returns: Floats, days: Days, holdout: float = HOLDOUT) -> OutOfSample | None:
    """returns (n,), days (n,): of the sessions; 0 after the account went to zero. The holdout is their last
    fraction `holdout`, as of a search. None when either side has fewer than two sessions."""
    cut = search_sessions(len(returns), holdout)
    before, after = returns[:cut], returns[cut:]
    if len(before) < 2 or len(after) < 2:
        return None
    total_return, went_to_zero = float(np.prod(1.0 + after) - 1.0), bool((returns <= -1.0).any())
    return OutOfSample(
        _annual(before, days[:cut], days),
        _annual(after, days[cut:], days),
        (sharpe_ratio(before, 0.0, 1.0) or 0.0) > 0.0,
        _probability(after),
        total_return,
        len(after),
        cut,
        went_to_zero,
    )
