"""The line "Data": the findings about the bars that the result used."""

from collections.abc import Sequence

from backtests.research.robustness.scorecard.line import Line, Rating


def data_line(findings: Sequence[str], noted: Sequence[str]) -> Line:
    """findings: the open hard ones. noted: the accepted and the soft ones."""
    criterion = "Pass without a finding about the bars, caution for accepted or small ones, fail for an open one."
    rating = Rating.FAIL if findings else Rating.CAUTION if noted else Rating.PASS
    message = "; ".join([*findings, *noted]) or "No finding about the bars"
    return Line("data", "Data", rating, f"{message.rstrip('.')}.", criterion, float(len(findings)))
