"""What the page of the evidence shows of a backtest or of an optimizer's row, beyond the lines of its scorecard."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse

from backtests.models import Backtest, Candidate
from backtests.models.assumptions import Assumptions
from backtests.research.optimizer.objectives import LABELS, Objective

WIDTH, HEIGHT = 240, 64
IN_PERCENT = "{count:,.0f} draws from {low:.1%} to {high:.1%}"


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle in a box of WIDTH by HEIGHT. low: it stands for the bad part."""

    x: float
    y: float
    width: float
    height: float
    low: bool
    words: str


@dataclass(frozen=True, slots=True)
class Bars:
    """low, high: the ends of the axis below."""

    low: float
    high: float
    bars: list[Bar]
    box: str = f"0 0 {WIDTH} {HEIGHT}"


@dataclass(frozen=True, slots=True)
class Curve:
    """points: of an SVG polyline. base: the height at which it began. final: what one dollar became."""

    points: str
    base: float
    final: float
    box: str = f"0 0 {WIDTH} {HEIGHT}"


@dataclass(frozen=True, slots=True)
class Report:
    """back: the page it belongs to. holdout_status: who saw the last part of the sessions, as HoldoutStatus has it. score: what
    the neighbours are compared by."""

    name: str
    back: str
    start: date
    end: date
    is_backtest: bool
    holdout_status: str
    score: str
    content: dict[str, Any]
    logits: Bars | None
    stitched: Curve | None
    months: Bars | None
    drawdowns: Bars | None


def report_of(subject: Backtest | Candidate) -> Report:
    evidence = getattr(subject, "evidence", None)
    content: dict[str, Any] = evidence.report if evidence else {}
    fitted, walked, out_of_sample, near = (
        content.get(name) or {} for name in ("overfitting", "walk_forward", "out_of_sample", "neighbours")
    )
    drawn = (content.get("monte_carlo") or {}).get("drawn") or {}
    on: Assumptions
    if isinstance(subject, Backtest):
        name, on, back = subject.strategy_name, subject, reverse("backtests:detail", args=[subject.pk])
    else:
        name, on = str(subject), subject.run
        back = reverse("backtests:optimizer_run", args=[subject.run_id])
    return Report(
        name,
        back,
        on.start_date,
        on.end_date,
        isinstance(subject, Backtest),
        out_of_sample.get("holdout_status", ""),
        LABELS[Objective(near["objective"])] if near else "",
        content,
        _bars(
            fitted.get("logits"), lambda low, high: high <= 0.0, "{count:,.0f} splits from {low:.2f} to {high:.2f}"
        ),
        _curve(walked.get("equity")),
        _bars(drawn.get("months"), lambda low, high: high <= drawn["month"], IN_PERCENT),
        _bars(drawn.get("drawdowns"), lambda low, high: low >= drawn["drawdown"], IN_PERCENT),
    )


def _bars(
    histogram: dict[str, list[float]] | None, is_bad: Callable[[float, float], bool], words: str
) -> Bars | None:
    """is_bad: of the two edges of a bar. words: of a bar, with its count, low and high."""
    if not histogram:
        return None
    edges, counts = histogram["edges"], histogram["counts"]
    step, tallest = WIDTH / len(counts), HEIGHT / max(*counts, 1)
    return Bars(
        edges[0],
        edges[-1],
        [
            Bar(
                x=round(place * step, 2),
                y=round(HEIGHT - count * tallest, 2),
                width=round(step - 1.0, 2),
                height=round(count * tallest, 2),
                low=is_bad(low, high),
                words=words.format(count=count, low=low, high=high),
            )
            for place, (count, low, high) in enumerate(zip(counts, edges, edges[1:], strict=False))
        ],
    )


def _curve(equity: list[float] | None) -> Curve | None:
    """Equity that began at 1, from edge to edge of the box."""
    if not equity or len(equity) < 2:
        return None
    low, high = min(equity), max(equity)
    step, tall = WIDTH / (len(equity) - 1), HEIGHT / ((high - low) or 1.0)
    heights = [round(HEIGHT - (value - low) * tall, 2) for value in equity]
    points = " ".join(f"{place * step:.2f},{height}" for place, height in enumerate(heights))
    return Curve(points, heights[0], equity[-1])
