"""The line "Checks"."""

from backtests.research.robustness.report import Report
from backtests.research.robustness.scorecard.line import Line, Rating


def checks_line(report: Report) -> Line:
    key, label = "checks", "Checks"
    criterion = "Pass when both checks of the strategy find no fault."
    look_ahead, warmup = report["checks"]["look_ahead"], report["checks"]["warmup"]
    bars = look_ahead["bars"]
    if not look_ahead["passed"] or (warmup["tried"] and not warmup["passed"]):
        fault = look_ahead if not look_ahead["passed"] else warmup
        return Line(key, label, Rating.FAIL, fault["message"], criterion, 0.0)
    if not warmup["tried"]:
        message = f"No look-ahead on {bars:,} bars; too few bars to check the warm-up."
        return Line(key, label, Rating.CAUTION, message, criterion)
    return Line(key, label, Rating.PASS, f"No look-ahead and enough warm-up on {bars:,} bars.", criterion, 1.0)
