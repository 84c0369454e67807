"""The overall line: the evidence in one sentence. docs/decisions/0015-calibrated-evidence.md says how often noise
passes."""

from collections.abc import Sequence

from backtests.research.robustness.report import Report
from backtests.research.robustness.scorecard.against_holding import lost_to_holding
from backtests.research.robustness.scorecard.line import Line, Rating

# These must pass: that it is more than chance, on bars without an open finding, by a strategy without a fault. A
# failure in one of them alone makes the whole a failure.
NEEDED = ("chance", "data", "checks")
CRITERION = (
    "Pass when the chance line, the data and the checks pass and no line fails; fail when one of these three "
    "fails or the result lost to holding on both return and Sharpe ratio."
)


def overall_line(report: Report, shown: Sequence[Line]) -> Line:
    """One sentence for all lines: no result is good that chance explains, or that lost to holding on both."""
    failed = [line.label for line in shown if line.rating is Rating.FAIL]
    decisive = [line.label for line in shown if line.rating is Rating.FAIL and line.key in NEEDED]
    not_passed = [line.label for line in shown if line.rating is not Rating.PASS and line.key in NEEDED]
    reasons = [f"{_listed(decisive)} {'fails' if len(decisive) == 1 else 'fail'}"] if decisive else []
    if lost_to_holding(report):
        reasons.append("it lost to holding on both return and Sharpe ratio")
    if reasons:
        rating, message = Rating.FAIL, f"Not convincing: {' and '.join(reasons)}."
    elif failed:
        rating = Rating.CAUTION
        message = f"Doubtful: {_listed(failed)} {'fails' if len(failed) == 1 else 'fail'}."
    elif not_passed:
        rating, message = Rating.CAUTION, f"Undecided: {_listed(not_passed)} did not pass."
    else:
        rating, message = Rating.PASS, "Good: more than chance alone would show, and no line fails."
    return Line("overall", "Overall", rating, message, CRITERION)


def _listed(labels: Sequence[str]) -> str:
    """ "A", "A and B", "A, B and C"."""
    *others, last = labels
    return f"{', '.join(others)} and {last}" if others else last
