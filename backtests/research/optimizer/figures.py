"""Figures: the metrics of one combination as a row of an array. NaN is an undefined figure.

Over a period below metrics.LEAST_YEARLY_DAYS there are no figures per year; core.ratios.curve_ratios says what a
sweep computes instead, to rank by.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.metrics import YEARLY

# Names and units as in core.metrics.Metrics.
FIGURES = np.dtype(
    [
        ("total_return", np.float64),
        ("cagr", np.float64),
        ("sharpe", np.float64),
        ("sortino", np.float64),
        ("calmar", np.float64),
        ("max_drawdown", np.float64),
        ("win_rate", np.float64),
        ("profit_factor", np.float64),
        ("exposure", np.float64),
        ("final_equity", np.float64),
        ("trades", np.int64),
    ]
)
Figures = NDArray[np.void]


def without_yearly(figures: Figures) -> Figures:
    """A copy (n,) in which the figures per year are undefined, for a period that is too short for them."""
    shown = figures.copy()
    for name in YEARLY:
        if name in (FIGURES.names or ()):
            shown[name] = np.nan
    return shown


def as_dict(row: Any) -> dict[str, float | int | None]:
    """One row (dtype FIGURES) by name, like Metrics.as_dict; None for NaN."""
    return {name: _defined(row[name].item()) for name in FIGURES.names or ()}


def _defined(value: float) -> float | int | None:
    return None if value != value else value
