"""The line "Out of sample". docs/decisions/0015-calibrated-evidence.md says how often noise passes."""

from backtests.research.robustness.report import HoldoutStatus, Report
from backtests.research.robustness.scorecard.line import Line, Rating, change, ratio, rounded_down
from tradedesk.core.metrics import LEAST_YEARLY_DAYS

# The probability that the true Sharpe ratio of the holdout is above zero. At 90% more than 5% of noise passes: the
# best of a search always has a good first part, so that part proves nothing there.
PASS_HOLDOUT, CAUTION_HOLDOUT = 0.95, 0.70
USED_HOLDOUT = {HoldoutStatus.USED_BY_SEARCH: "search", HoldoutStatus.USED_BY_RANKING: "ranking"}


def out_of_sample_line(report: Report, in_holdout: int) -> Line:
    """in_holdout: the number of trials whose period overlaps the holdout."""
    key, label = "out_of_sample", "Out of sample"
    criterion = (
        "Pass when the Sharpe ratio before the holdout period is above zero, that of the holdout period is above "
        f"zero with a probability of at least {PASS_HOLDOUT:.0%}, and no other trial used the holdout period; "
        f"caution from {CAUTION_HOLDOUT:.0%}."
    )
    found = report["out_of_sample"]
    if found and found["went_to_zero"]:
        return Line(key, label, Rating.FAIL, "The account went to zero.", criterion)
    if not found or found["probability"] is None:
        message = "There were no trades in the holdout period, or it is too short."
        return Line(key, label, Rating.NONE, message, criterion)
    after, probability = found["out_of_sample"], found["probability"]
    figures = _figures(found)
    status = HoldoutStatus(found["holdout_status"])
    if status in USED_HOLDOUT:
        message = f"{figures}; the {USED_HOLDOUT[status]} used the whole holdout period."
        return Line(key, label, Rating.NONE, message, criterion, after)
    # A backtest without a search is itself one of these trials; a search ended before its holdout.
    others = in_holdout if status is HoldoutStatus.NOT_USED else max(in_holdout - 1, 0)
    passes = probability >= PASS_HOLDOUT and found["gained_before"] and not others
    rating = Rating.PASS if passes else Rating.CAUTION if probability >= CAUTION_HOLDOUT else Rating.FAIL
    figures += f"; {rounded_down(probability)} sure that it is above zero"
    if status is HoldoutStatus.NOT_USED:
        figures += "; its search did not use the holdout period"
    if others:
        figures += f"; {others:,} other {'trial' if others == 1 else 'trials'} used the holdout period"
    return Line(key, label, rating, f"{figures}.", criterion, after)


def _figures(found: Report) -> str:
    """The Sharpe ratios in the holdout and before it; of a part that is too short for a figure per year what it
    gained."""
    last, before, after = f"the last {found['holdout_fraction']:.0%}", found["in_sample"], found["out_of_sample"]
    if after is None:
        held_back = f"Return {change(found['total_return'])} in {last}, below {LEAST_YEARLY_DAYS} days"
    else:
        held_back = f"Sharpe {ratio(after)} in {last}"
    if before is None:
        return f"{held_back}, {'a gain' if found['gained_before'] else 'no gain'} before it"
    return f"{held_back}, {'' if after is not None else 'Sharpe '}{ratio(before)} before it"
