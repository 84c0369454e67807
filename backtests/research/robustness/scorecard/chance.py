"""The line "Chance", and the figures behind it."""

from dataclasses import dataclass

from backtests.research.robustness.chance import best_by_chance, chance_value
from backtests.research.robustness.deflated_sharpe import (
    Moments,
    deflated_sharpe,
    probabilistic_sharpe,
    standard_score,
)
from backtests.research.robustness.report import Report
from backtests.research.robustness.scorecard.line import Line, Rating, at_least, ratio, rounded_down
from backtests.research.robustness.tried import Tried

PASS_CHANCE, CAUTION_CHANCE = 0.95, 0.80


@dataclass(frozen=True, slots=True)
class ChanceFigures:
    """value: the part of the draws in which the best of all that was tried stays below the result. score: z.
    sharpe, by_chance: annual Sharpe ratios, of the result and the best that chance alone would show; None over too
    few days for a figure per year, by_chance also without trials. probabilistic, deflated: the probabilities of
    Bailey and Lopez de Prado."""

    value: float
    score: float
    sharpe: float | None
    by_chance: float | None
    probabilistic: float
    deflated: float


def chance_figures(report: Report, tried: Tried) -> ChanceFigures | None:
    """None for a result without a Sharpe ratio."""
    if not report.get("moments"):
        return None
    moments, per_year = Moments(**report["moments"]), report["per_year"]
    # Without a known variance: that of strategies without skill.
    variance = tried.variance if tried.variance is not None else 1.0 / moments.sessions
    score = standard_score(moments)
    return ChanceFigures(
        value=chance_value(score, tried.maxima),
        score=score,
        sharpe=moments.sharpe * per_year**0.5 if per_year else None,
        by_chance=best_by_chance(tried.maxima, moments.sessions, per_year) if per_year else None,
        probabilistic=probabilistic_sharpe(moments),
        deflated=deflated_sharpe(moments, variance, max(tried.number, 1)),
    )


def chance_line(report: Report, tried: Tried) -> Line:
    key, label = "chance", "Chance"
    criterion = f"Pass from {PASS_CHANCE:.0%}, caution from {CAUTION_CHANCE:.0%}."
    best = f"the best of {tried.shown} distinct trials" if tried.number > 1 else "a single trial"
    found = chance_figures(report, tried)
    if found is None:
        return Line(key, label, Rating.NONE, f"There is no Sharpe ratio to rate ({best}).", criterion)
    message = f"Chance alone stays below this result in {rounded_down(found.value)} of the draws, as {best}."
    if tried.number > 1 and found.by_chance is not None:
        message += (
            f" The best that chance alone would show is a Sharpe ratio of {ratio(found.by_chance)}; this one has "
            f"{ratio(found.sharpe)}."
        )
    return Line(key, label, at_least(found.value, PASS_CHANCE, CAUTION_CHANCE), message, criterion, found.value)
