"""The line "Walk-forward". docs/decisions/0015-calibrated-evidence.md says how often noise passes."""

from backtests.research.robustness.report import Report
from backtests.research.robustness.scorecard.line import Line, Rating, no_sample, ratio, rounded_down

# The probability that the true Sharpe ratio of the joined folds is above zero.
PASS_FOLDS, CAUTION_FOLDS = 0.95, 0.80
PASS_EFFICIENCY = 0.50  # of the in-sample Sharpe ratio


def walk_forward_line(report: Report) -> Line:
    key, label = "walk_forward", "Walk-forward"
    criterion = (
        "Pass when the Sharpe ratio of the joined folds is above zero with a probability of at least "
        f"{PASS_FOLDS:.0%} and the efficiency is at least {PASS_EFFICIENCY:.0%}, caution from a probability of "
        f"{CAUTION_FOLDS:.0%}."
    )
    found = report["walk_forward"]
    if not found or found["probability"] is None:
        message = no_sample(report, "eight folds", 1)
        if found and report["informative"]:
            message = "The combination that was best before each fold made no trades in that fold."
        return Line(key, label, Rating.NONE, message, criterion)
    sharpe, efficiency, probability = found["sharpe"], found["efficiency"], found["probability"]
    kept = "efficiency undefined" if efficiency is None else f"efficiency {efficiency:.0%}"
    passes = probability >= PASS_FOLDS and (efficiency or 0.0) >= PASS_EFFICIENCY
    rating = Rating.PASS if passes else Rating.CAUTION if probability >= CAUTION_FOLDS else Rating.FAIL
    folds = f"{len(found['folds'])} joined folds"
    # Below LEAST_YEARLY_DAYS there is no Sharpe ratio per year.
    figure, it = (
        (f"Sharpe {ratio(sharpe)} over {folds}", "it")
        if sharpe is not None
        else (f"Over {folds}", "their Sharpe ratio")
    )
    message = f"{figure}, {kept}; {rounded_down(probability)} sure that {it} is above zero."
    return Line(key, label, rating, message, criterion, sharpe)
