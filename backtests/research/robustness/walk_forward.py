"""Walk-forward: select a combination on the past, trade it in the next fold, and repeat."""

from dataclasses import dataclass

import numpy as np

from backtests.research.optimizer.holdout import search_sessions
from tradedesk.core.bars import Floats
from tradedesk.core.metrics import NO_SPREAD, sharpe_ratio

FOLDS = 8
HOLDOUT = 0.3  # the default fraction of the sessions that is kept out of sample


@dataclass(frozen=True, slots=True)
class Fold:
    """Sessions first..last - 1, traded with the column that was best on all sessions before. Sharpe ratios are
    annual, None where undefined.
    """

    first: int
    last: int
    column: int
    in_sample: float | None
    out_of_sample: float | None


@dataclass(frozen=True, slots=True, eq=False)
class WalkForward:
    """returns (k,): out of sample, of all folds. sharpe: their annual Sharpe ratio. efficiency: sharpe divided by
    the mean in-sample Sharpe ratio of the selected columns; None when that mean is not above zero.
    """

    folds: list[Fold]
    returns: Floats
    sharpe: float | None
    efficiency: float | None


def walk_forward(returns: Floats, folds: int = FOLDS) -> WalkForward | None:
    """returns: (sessions, columns). The sessions are cut into folds + 1 parts; each part except the first is
    traded with the column whose Sharpe ratio was best over all earlier parts. None when a part has fewer than two
    sessions. A change of the column between two folds has no costs here.

    Source: R. Pardo, The Evaluation and Optimization of Trading Strategies (2008), ch. 11; anchored windows.
    """
    sessions, columns = returns.shape
    edges = np.linspace(0, sessions, folds + 2).astype(int)
    if not columns or np.diff(edges).min() < 2:
        return None
    traded_folds: list[Fold] = []
    joined: list[Floats] = []
    for first, last in zip(edges[1:-1].tolist(), edges[2:].tolist(), strict=True):
        column = _best(returns[:first])
        traded = returns[first:last, column]
        in_sample = sharpe_ratio(returns[:first, column])
        traded_folds.append(Fold(first, last, column, in_sample, sharpe_ratio(traded)))
        joined.append(traded)
    out_of_sample_returns = np.concatenate(joined)
    sharpe = sharpe_ratio(out_of_sample_returns)
    mean_in_sample = float(np.mean([fold.in_sample or 0.0 for fold in traded_folds]))
    efficiency = sharpe / mean_in_sample if sharpe is not None and mean_in_sample > 0.0 else None
    return WalkForward(traded_folds, out_of_sample_returns, sharpe, efficiency)


def _best(past: Floats) -> int:
    """The column with the highest Sharpe ratio; a constant one is last."""
    spread = past.std(axis=0, ddof=1)
    constant = spread < NO_SPREAD
    return int(np.where(constant, -np.inf, past.mean(axis=0) / np.where(constant, 1.0, spread)).argmax())


@dataclass(frozen=True, slots=True)
class OutOfSample:
    """Annual Sharpe ratios before and in the holdout; its total return (a fraction), number of sessions and first
    session, counted from 0. went_to_zero: the account did, before or in the holdout."""

    in_sample: float | None
    out_of_sample: float | None
    total_return: float
    sessions: int
    first: int
    went_to_zero: bool


def out_of_sample(returns: Floats, holdout: float = HOLDOUT) -> OutOfSample | None:
    """returns (n,): of the sessions, 0 after the account went to zero. The holdout is their last fraction
    `holdout`, as of a search. None when either side has fewer than two sessions."""
    cut = search_sessions(len(returns), holdout)
    before, after = returns[:cut], returns[cut:]
    if len(before) < 2 or len(after) < 2:
        return None
    total_return, went_to_zero = float(np.prod(1.0 + after) - 1.0), bool((returns <= -1.0).any())
    return OutOfSample(sharpe_ratio(before), sharpe_ratio(after), total_return, len(after), cut, went_to_zero)
