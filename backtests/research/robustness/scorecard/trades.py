"""The line "Trades"."""

from backtests.research.robustness.report import Report
from backtests.research.robustness.scorecard.line import Line, Rating, at_least

PASS_TRADES, CAUTION_TRADES = 30, 10


def trades_line(report: Report) -> Line:
    key, label = "trades", "Trades"
    criterion = f"Pass from {PASS_TRADES} closed trades, caution from {CAUTION_TRADES}."
    count = report["trades"]
    rating = at_least(count, PASS_TRADES, CAUTION_TRADES)
    counted = f"{count:,} closed trade{'' if count == 1 else 's'}"
    message = f"{counted}." if rating is Rating.PASS else f"{counted}, fewer than {PASS_TRADES}."
    return Line(key, label, rating, message, criterion, float(count))
