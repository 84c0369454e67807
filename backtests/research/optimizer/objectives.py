"""Objectives: the scores by which combinations are ranked."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtests.research.optimizer.figures import Figures
from tradedesk.core.bars import Floats


class Objective(StrEnum):
    SHARPE = "sharpe"
    SORTINO = "sortino"
    CALMAR = "calmar"
    CAGR = "cagr"
    PROFIT_FACTOR = "profit_factor"
    WEIGHTED = "weighted"


LABELS = {
    Objective.SHARPE: "Sharpe ratio",
    Objective.SORTINO: "Sortino ratio",
    Objective.CALMAR: "Calmar ratio",
    Objective.CAGR: "Annual return (CAGR)",
    Objective.PROFIT_FACTOR: "Profit factor",
    Objective.WEIGHTED: "Weighted score",
}
# What the score is over a period that is too short for figures per year: that of core.ratios.curve_ratios.
SHORT_LABELS = LABELS | {
    Objective.SHARPE: "Sharpe ratio per session",
    Objective.SORTINO: "Sortino ratio per session",
    Objective.CALMAR: "Return / max drawdown",
    Objective.CAGR: "Return over the period",
}
# Weights of a weighted score. A ratio is used as it is; CAGR is divided by 0.10. Each term is limited to -5 to 5.
WEIGHTS: dict[str, float] = {"sharpe": 0.4, "sortino": 0.2, "calmar": 0.2, "cagr": 0.1, "profit_factor": 0.1}
UNITS = {"cagr": 0.10}
MAX_TERM = 5.0


def label_of(objective: Objective, *, yearly: bool) -> str:
    """yearly: whether the period is long enough for figures per year."""
    return (LABELS if yearly else SHORT_LABELS)[objective]


def scores(figures: Figures, objective: Objective, weights: Mapping[str, float]) -> Floats:
    """The score of each row (n,), the higher the better; NaN where the objective is not defined.

    In a weighted score an undefined figure counts 0; the score is NaN when all are undefined.
    """
    if objective is not Objective.WEIGHTED:
        return np.asarray(figures[objective.value], np.float64)
    total, known = np.zeros(len(figures)), np.zeros(len(figures), np.bool_)
    for name, weight in weights.items():
        term = np.clip(figures[name] / UNITS.get(name, 1.0), -MAX_TERM, MAX_TERM)
        known |= ~np.isnan(term)
        total += weight * np.nan_to_num(term)
    return np.where(known, total, np.nan)


def eligible(figures: Figures | Mapping[str, NDArray[Any]], score: Floats, min_trades: int) -> NDArray[np.bool_]:
    """The rows (n,) that may rank first: they have a score, held a position at some time, and closed at least
    `min_trades` trades. With fewer bars than its warm-up a kind never holds a position."""
    return np.isfinite(score) & (figures["exposure"] > 0.0) & (figures["trades"] >= min_trades)


def formula(objective: Objective, weights: Mapping[str, float]) -> str:
    """The formula of the score: "0.4 x Sharpe ratio + 0.1 x Annual return (CAGR) / 10%"."""
    if objective is not Objective.WEIGHTED:
        return LABELS[objective]
    parts = (
        f"{weight:g} x {LABELS[Objective(name)]}" + (f" / {UNITS[name]:.0%}" if name in UNITS else "")
        for name, weight in weights.items()
        if weight
    )
    bounds = f"each term is limited to {-MAX_TERM:g} to {MAX_TERM:g}; an undefined figure counts as 0"
    return f"{' + '.join(parts)}; {bounds}"
