"""The report of a result that passes in every line."""

from typing import Any

CHECK = {"passed": True, "bars": 1500, "checked": 90, "message": "Passed.", "tried": True}
GOOD: dict[str, Any] = {
    "sample": 200,
    "informative": 200,
    "overfitting": {"probability": 0.05, "splits": 12_870, "columns": 200, "logits": None},
    "walk_forward": {"sharpe": 1.0, "efficiency": 0.8, "folds": [{}] * 8},
    "total_return": 0.8,
    "sharpe": 1.6,
    "moments": {"sharpe": 0.1, "skewness": 0.0, "kurtosis": 3.0, "sessions": 1250},
    "out_of_sample": {
        "in_sample": 1.0,
        "out_of_sample": 0.9,
        "total_return": 0.1,
        "sessions": 375,
        "first": 875,
        "went_to_zero": False,
        "holdout_fraction": 0.3,
        "from": "2009-03-05",
        "holdout_status": "no_search",
    },
    "neighbours": {"median": 1.4, "score": 1.6, "objective": "sharpe", "scores": [{}] * 8},
    "monte_carlo": {"month": -0.02, "drawdown": 0.1, "size": 0.5},
    "costs": {"total_return": 0.7, "assumed": False},
    "trades": 60,
    "open": 0,
    "checks": {"look_ahead": CHECK, "warmup": CHECK},
}
