"""The scorecard: one line for each part of the robustness report, with a rating and a message.

Each line has a file, with its thresholds; its criterion states them.
"""

from collections.abc import Sequence
from dataclasses import replace

from backtests.research.robustness.report import Report
from backtests.research.robustness.scorecard.against_holding import against_holding_line
from backtests.research.robustness.scorecard.chance import ChanceFigures, chance_figures, chance_line
from backtests.research.robustness.scorecard.checks import checks_line
from backtests.research.robustness.scorecard.costs import costs_line
from backtests.research.robustness.scorecard.data import data_line
from backtests.research.robustness.scorecard.line import Line, Rating
from backtests.research.robustness.scorecard.money_at_risk import money_at_risk_line
from backtests.research.robustness.scorecard.neighbours import neighbours_line
from backtests.research.robustness.scorecard.out_of_sample import out_of_sample_line
from backtests.research.robustness.scorecard.overall import overall_line
from backtests.research.robustness.scorecard.overfitting import overfitting_line
from backtests.research.robustness.scorecard.trades import trades_line
from backtests.research.robustness.scorecard.walk_forward import walk_forward_line
from backtests.research.robustness.tried import Tried

__all__ = [
    "ChanceFigures",
    "Line",
    "Rating",
    "chance_figures",
    "counts",
    "lines",
    "overall_line",
    "rating_summary",
]


def lines(report: Report, tried: Tried, findings: Sequence[str] = (), noted: Sequence[str] = ()) -> list[Line]:
    """tried: what was tried on the symbols and the period of the result. findings: the open hard findings about
    the bars, with which no line passes. noted: the accepted and the soft ones."""
    rated = [
        chance_line(report, tried),
        against_holding_line(report, tried),
        out_of_sample_line(report, tried.in_holdout),
        walk_forward_line(report),
        overfitting_line(report),
        neighbours_line(report),
        money_at_risk_line(report),
        costs_line(report),
        trades_line(report),
        checks_line(report),
        data_line(findings, noted),
    ]
    return [_doubted(line) for line in rated] if findings else rated


def _doubted(line: Line) -> Line:
    """The line over bars with an open finding: no pass."""
    if line.rating is not Rating.PASS:
        return line
    return replace(line, rating=Rating.CAUTION, message=f"{line.message} The bars have an open finding.")


def counts(shown: list[Line]) -> dict[str, int]:
    """The number of lines with each rating."""
    return {rating.value: sum(line.rating is rating for line in shown) for rating in Rating}


def rating_summary(shown: list[Line]) -> str:
    """ "5 pass, 2 caution, 1 fail"; a rating that no line has is left out."""
    found = counts(shown)
    rated = (rating for rating in Rating if rating is not Rating.NONE and found[rating])
    return ", ".join(f"{found[rating]} {rating.value}" for rating in rated)
