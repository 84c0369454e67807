"""The evidence page of a backtest or of an optimizer row: its charts, and the scorecard's lines for the API."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse

from backtests.models import Backtest, Candidate
from backtests.models.assumptions import Assumptions
from backtests.research.optimizer.objectives import Objective, label_of

WIDTH, HEIGHT = 240, 64
SPLITS_LABEL = "{count:,.0f} splits from {low:.2f} to {high:.2f}"
DRAWS_LABEL = "{count:,.0f} draws from {low:.1%} to {high:.1%}"


@dataclass(frozen=True, slots=True)
class HistogramBar:
    """A rectangle in a box of WIDTH by HEIGHT. is_bad: it counts unfavourable results."""

    x: float
    y: float
    width: float
    height: float
    is_bad: bool
    label: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """low, high: the ends of the horizontal axis."""

    low: float
    high: float
    bars: list[HistogramBar]
    box: str = f"0 0 {WIDTH} {HEIGHT}"


@dataclass(frozen=True, slots=True)
class EquityLine:
    """points: of an SVG polyline. start_height: where it starts. final: the final value of one dollar."""

    points: str
    start_height: float
    final: float
    box: str = f"0 0 {WIDTH} {HEIGHT}"


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """source_url: the page of the backtest or run. holdout_status: a value of HoldoutStatus, "" if there is no
    holdout. score: the label of the score that the neighbours are compared by. content: the stored
    Evidence.report."""

    name: str
    source_url: str
    start: date
    end: date
    is_backtest: bool
    holdout_status: str
    score: str
    content: dict[str, Any]
    logits: Histogram | None
    joined_folds: EquityLine | None
    months: Histogram | None
    drawdowns: Histogram | None


def evidence_report(subject: Backtest | Candidate) -> EvidenceReport:
    evidence = getattr(subject, "evidence", None)
    content: dict[str, Any] = evidence.report if evidence else {}
    overfitting, walk_forward, out_of_sample, neighbours = (
        content.get(name) or {} for name in ("overfitting", "walk_forward", "out_of_sample", "neighbours")
    )
    bootstrap = (content.get("monte_carlo") or {}).get("bootstrap") or {}
    source: Assumptions
    if isinstance(subject, Backtest):
        name, source, source_url = subject.strategy_name, subject, reverse("backtests:detail", args=[subject.pk])
    else:
        name, source = str(subject), subject.run
        source_url = reverse("backtests:optimizer_run", args=[subject.run_id])
    return EvidenceReport(
        name=name,
        source_url=source_url,
        start=source.start_date,
        end=source.end_date,
        is_backtest=isinstance(subject, Backtest),
        holdout_status=out_of_sample.get("holdout_status", ""),
        score=label_of(Objective(neighbours["objective"]), yearly=content["per_year"] is not None)
        if neighbours
        else "",
        content=content,
        logits=_histogram(overfitting.get("logits"), lambda low, high: high <= 0.0, SPLITS_LABEL),
        joined_folds=_equity_line(walk_forward.get("equity")),
        months=_histogram(bootstrap.get("months"), lambda low, high: high <= bootstrap["month"], DRAWS_LABEL),
        drawdowns=_histogram(
            bootstrap.get("drawdowns"), lambda low, high: low >= bootstrap["drawdown"], DRAWS_LABEL
        ),
    )


def _histogram(
    stored: dict[str, list[float]] | None, is_bad: Callable[[float, float], bool], label: str
) -> Histogram | None:
    """stored: {"edges": k + 1, "counts": k}. is_bad: called with the two edges of a bar. label: a format string
    with count, low and high."""
    if not stored:
        return None
    edges, counts = stored["edges"], stored["counts"]
    step, scale = WIDTH / len(counts), HEIGHT / max(*counts, 1)
    return Histogram(
        edges[0],
        edges[-1],
        [
            HistogramBar(
                x=round(index * step, 2),
                y=round(HEIGHT - count * scale, 2),
                width=round(step - 1.0, 2),
                height=round(count * scale, 2),
                is_bad=is_bad(low, high),
                label=label.format(count=count, low=low, high=high),
            )
            for index, (count, low, high) in enumerate(zip(counts, edges, edges[1:], strict=False))
        ],
    )


def _equity_line(equity: list[float] | None) -> EquityLine | None:
    """Equity that starts at 1, scaled to the box."""
    if not equity or len(equity) < 2:
        return None
    low, high = min(equity), max(equity)
    step, scale = WIDTH / (len(equity) - 1), HEIGHT / ((high - low) or 1.0)
    heights = [round(HEIGHT - (value - low) * scale, 2) for value in equity]
    points = " ".join(f"{index * step:.2f},{height}" for index, height in enumerate(heights))
    return EquityLine(points, heights[0], equity[-1])
