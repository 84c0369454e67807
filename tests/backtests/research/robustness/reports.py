"""The report of a result that passes in every line."""

from typing import Any

CHECK = {"passed": True, "bars": 1500, "checked": 90, "message": "Passed.", "tried": True}
GOOD: dict[str, Any] = {
    "sample": 200,
    "informative": 200,
    "overfitting": {"probability": 0.05, "splits": 12_870, "columns": 200, "logits": None},
    "walk_forward": {"sharpe": 1.0, "efficiency": 0.8, "probability": 0.98, "folds": [{}] * 8},
    "total_return": 0.8,
    "sharpe": 1.6,
    "per_year": 252.0,
    "moments": {"sharpe": 0.1, "skewness": 0.0, "kurtosis": 3.0, "sessions": 1250},
    "holding": {
        "symbols": ["AAPL"],
        "chosen": False,
        "lost": False,
        "moments": {"sharpe": 0.06, "skewness": 0.0, "kurtosis": 3.0, "sessions": 1250},
        "result": {"total_return": 0.8, "max_drawdown": 0.1, "sharpe": 1.6},
        "benchmark": {"total_return": 0.3, "max_drawdown": 0.35, "sharpe": 0.4},
    },
    "has_stop": True,
    "out_of_sample": {
        "in_sample": 1.0,
        "out_of_sample": 0.9,
        "gained_before": True,
        "probability": 0.96,
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
