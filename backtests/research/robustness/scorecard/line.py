"""One line of the scorecard: a rating with a message, and how its numbers are written."""

import math
from dataclasses import dataclass
from enum import StrEnum

from backtests.research.robustness.report import Report

MINUS = "\N{MINUS SIGN}"  # as everywhere on the pages


class Rating(StrEnum):
    PASS = "pass"  # noqa: S105 - a rating
    CAUTION = "caution"
    FAIL = "fail"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Line:
    """message: the result as a sentence with its number. criterion: the condition to pass."""

    key: str
    label: str
    rating: Rating
    message: str
    criterion: str
    value: float | None = None


def at_least(value: float, passes: float, caution: float) -> Rating:
    return Rating.PASS if value >= passes else Rating.CAUTION if value >= caution else Rating.FAIL


def no_sample(report: Report, needed: str, least: int) -> str:
    """Why there is no figure: no combinations, none that traded, all equal, or too few sessions."""
    if not report["sample"]:
        return "There are no parameters to search."
    if not report["informative"]:
        return f"None of {report['sample']:,} combinations traded."
    if report["informative"] < least:
        return f"All combinations that traded (of {report['sample']:,} tested) gave the same result."
    return f"There are too few sessions for {needed}."


def change(value: float) -> str:
    """A signed percent; 0.0% without a sign."""
    return f"{value:+,.1%}".replace("-", MINUS) if abs(value) >= 0.0005 else "0.0%"


def rounded_down(value: float) -> str:
    """A probability as a whole percent, rounded down so that it never looks better than its rating; never 0% or
    100%, which no sample can show."""
    percent = min(math.floor(value * 100.0 + 1e-9), 99)
    return "under 1%" if percent < 1 else f"{percent}%"


def ratio(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}".replace("-", MINUS)
