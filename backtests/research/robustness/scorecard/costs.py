"""The line "Costs"."""

from backtests.research.robustness.report import Report
from backtests.research.robustness.scorecard.line import Line, Rating, change


def costs_line(report: Report) -> Line:
    key, label = "costs", "Costs"
    criterion = "Pass when the return is positive at twice the costs."
    value = report["costs"]["total_return"]
    if not report["trades"] and not report["open"]:
        return Line(key, label, Rating.NONE, "There were no trades and so no costs.", criterion)
    at = "at 5 basis points of slippage" if report["costs"]["assumed"] else "at twice the costs"
    # The figures of a search's row end before the holdout; these are of the whole period.
    own = change(report["total_return"])
    message = f"Return over the whole period: {change(value)} {at}, {own} at its own costs."
    return Line(key, label, Rating.PASS if value > 0.0 else Rating.FAIL, message, criterion, value)
