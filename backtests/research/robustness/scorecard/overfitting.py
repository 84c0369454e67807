"""The line "Overfitting". docs/decisions/0015-calibrated-evidence.md says how often noise passes."""

from backtests.research.robustness.report import Report
from backtests.research.robustness.scorecard.line import Line, Rating, no_sample

# On noise the probability spreads widely around 50%.
PASS_OVERFITTING, CAUTION_OVERFITTING = 0.10, 0.30


def overfitting_line(report: Report) -> Line:
    key, label = "overfitting", "Overfitting"
    criterion = f"Pass below {PASS_OVERFITTING:.0%}, caution below {CAUTION_OVERFITTING:.0%}."
    found = report["overfitting"]
    if not found:
        return Line(key, label, Rating.NONE, no_sample(report, "sixteen blocks", 2), criterion)
    value = found["probability"]
    rating = (
        Rating.PASS if value < PASS_OVERFITTING else Rating.CAUTION if value < CAUTION_OVERFITTING else Rating.FAIL
    )
    message = (
        f"In {value:.0%} of the splits the best of {found['columns']:,} combinations ranks below the median out "
        "of sample."
    )
    return Line(key, label, rating, message, criterion, value)
