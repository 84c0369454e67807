"""Figures: what one combination comes to, as a row of an array. NaN is a figure that is not defined."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Fractions, ratios and dollars as in core.metrics.Metrics; the names are its own.
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

# In the API's names; those in percent are fractions here.
NAMES = {
    "total_return": "total_return_pct",
    "cagr": "cagr_pct",
    "sharpe": "sharpe_ratio",
    "sortino": "sortino_ratio",
    "calmar": "calmar_ratio",
    "max_drawdown": "max_drawdown_pct",
    "win_rate": "win_rate",
    "profit_factor": "profit_factor",
    "exposure": "exposure_pct",
    "final_equity": "final_equity",
    "trades": "num_trades",
}
IN_PERCENT = frozenset({"total_return", "cagr", "max_drawdown", "win_rate", "exposure"})


def as_json(row: Any) -> dict[str, float | int | None]:
    """One row (dtype FIGURES) under the API's names, as Metrics.as_json writes it; None for NaN."""
    return {NAMES[name]: _plain(row[name].item(), 100.0 if name in IN_PERCENT else 1) for name in NAMES}


def _plain(value: float, scale: float) -> float | int | None:
    return None if value != value else value * scale
