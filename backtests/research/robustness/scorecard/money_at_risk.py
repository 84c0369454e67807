"""The line "Money at risk"."""

from backtests.research.robustness.report import Report
from backtests.research.robustness.scorecard.line import Line, Rating, change
from backtests.research.robustness.scorecard.trades import CAUTION_TRADES

PASS_MONTH, PASS_DRAWDOWN = 0.05, 0.20  # losses as fractions of the equity; a caution is up to twice as much


def money_at_risk_line(report: Report) -> Line:
    key, label = "monte_carlo", "Money at risk"
    criterion = (
        f"Pass when a bad month loses less than {PASS_MONTH:.0%} and a bad drawdown is below {PASS_DRAWDOWN:.0%}, "
        f"caution below twice as much; at most caution below {CAUTION_TRADES} closed trades or without a stop."
    )
    found = report["monte_carlo"]
    if not found:
        return Line(key, label, Rating.NONE, "There were no entries.", criterion)
    month, drawdown = found["month"], found["drawdown"]
    message = f"Bad month {change(month)}, bad drawdown {change(-drawdown)}, including open positions."
    if report["trades"] < CAUTION_TRADES:
        message += f" Only {report['trades']} closed trade{'' if report['trades'] == 1 else 's'}."
    if not report["has_stop"]:
        message += " No stop limits the loss of a position."
    worst = max(-month / PASS_MONTH, drawdown / PASS_DRAWDOWN)
    passes = worst < 1.0 and report["trades"] >= CAUTION_TRADES and report["has_stop"]
    rating = Rating.PASS if passes else Rating.CAUTION if worst < 2.0 else Rating.FAIL
    return Line(key, label, rating, message, criterion, month)
