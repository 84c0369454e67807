"""The line "Neighbours"."""

from backtests.research.optimizer.objectives import Objective, label_of
from backtests.research.robustness.report import Report
from backtests.research.robustness.scorecard.line import Line, Rating, change, ratio

PASS_RATIO = 0.50  # of the score of the result


def neighbours_line(report: Report) -> Line:
    key, label = "neighbours", "Neighbours"
    criterion = (
        "Pass when the median score one step away is at least half of the result's score, caution above zero."
    )
    found = report["neighbours"]
    if not found or found["median"] is None:
        message = "The strategy has no parameters to vary." if not found else "No neighbour has a score."
        return Line(key, label, Rating.NONE, message, criterion)
    median, score, objective = found["median"], found["score"], Objective(found["objective"])
    name = label_of(objective, yearly=report["per_year"] is not None)
    message = (
        f"{name}: median of {len(found['scores'])} neighbours {_score(median, objective)}, this "
        f"combination {_score(score, objective)}."
    )
    # Neither gain nor loss is a profit factor of 1, and 0 for every other score.
    even = 1.0 if objective is Objective.PROFIT_FACTOR else 0.0
    kept = score is None or median - even >= PASS_RATIO * (score - even)
    rating = Rating.FAIL if median <= even else Rating.PASS if kept else Rating.CAUTION
    return Line(key, label, rating, message, criterion, median)


def _score(value: float | None, objective: Objective) -> str:
    return change(value) if value is not None and objective is Objective.CAGR else ratio(value)
