"""Walk-forward: choose on what is past, trade what comes next, again and again."""

from dataclasses import dataclass

import numpy as np

from backtests.research.optimizer.holdout import sessions_seen
from tradedesk.core.bars import Floats
from tradedesk.core.metrics import NO_SPREAD, sharpe_ratio

FOLDS = 8
HELD_BACK = 0.3


@dataclass(frozen=True, slots=True)
class Fold:
    """Sessions first..last - 1 were traded with the column that was best on all sessions before them. Sharpe
    ratios are annual, None where they are not defined."""

    first: int
    last: int
    column: int
    in_sample: float | None
    out_of_sample: float | None


@dataclass(frozen=True, slots=True, eq=False)
class WalkForward:
    """sharpe: annual, of the stitched out-of-sample returns (k,). efficiency: it over the mean in-sample Sharpe
    ratio of the choices; None when that is not above zero."""

    folds: list[Fold]
    returns: Floats
    sharpe: float | None
    efficiency: float | None


def walk_forward(returns: Floats, folds: int = FOLDS) -> WalkForward | None:
    """returns: (sessions, columns). The sessions are cut into folds + 1 parts; each but the first is traded with
    the column whose Sharpe ratio was best over all parts before it. None when a part has fewer than two sessions.
    Changing the column at the edge of a fold costs nothing here.

    Source: R. Pardo, The Evaluation and Optimization of Trading Strategies (2008), ch. 11; anchored windows.
    """
    sessions, columns = returns.shape
    edges = np.linspace(0, sessions, folds + 2).astype(int)
    if not columns or np.diff(edges).min() < 2:
        return None
    found: list[Fold] = []
    stitched: list[Floats] = []
    for first, last in zip(edges[1:-1].tolist(), edges[2:].tolist(), strict=True):
        column = _best(returns[:first])
        traded = returns[first:last, column]
        inside = sharpe_ratio(returns[:first, column])
        found.append(Fold(first, last, column, inside, sharpe_ratio(traded)))
        stitched.append(traded)
    whole = np.concatenate(stitched)
    outside = sharpe_ratio(whole)
    chosen = float(np.mean([fold.in_sample or 0.0 for fold in found]))
    efficiency = outside / chosen if outside is not None and chosen > 0.0 else None
    return WalkForward(found, whole, outside, efficiency)


def _best(past: Floats) -> int:
    """The column with the highest Sharpe ratio; one that does not move comes last."""
    spread = past.std(axis=0, ddof=1)
    still = spread < NO_SPREAD
    return int(np.where(still, -np.inf, past.mean(axis=0) / np.where(still, 1.0, spread)).argmax())


@dataclass(frozen=True, slots=True)
class OutOfSample:
    """Annual Sharpe ratios of the first part of the sessions and of the rest; the rest's return is a fraction.
    first: of the rest, counted from 0. ruined: the account was lost, in whichever part."""

    in_sample: float | None
    out_of_sample: float | None
    total_return: float
    sessions: int
    first: int
    ruined: bool


def out_of_sample(returns: Floats, held_back: float = HELD_BACK) -> OutOfSample | None:
    """Session returns (n,), 0 after a ruin, cut before the last `held_back` of them as for a search; None when one
    side has fewer than two."""
    cut = sessions_seen(len(returns), held_back)
    before, after = returns[:cut], returns[cut:]
    if len(before) < 2 or len(after) < 2:
        return None
    grown, ruined = float(np.prod(1.0 + after) - 1.0), bool((returns <= -1.0).any())
    return OutOfSample(sharpe_ratio(before), sharpe_ratio(after), grown, len(after), cut, ruined)
