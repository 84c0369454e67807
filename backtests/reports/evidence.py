"""The evidence page of a backtest or of an optimizer row: its charts, and the scorecard's lines for the API."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from django.urls import reverse

from backtests.models import Backtest, Candidate
from backtests.models.assumptions import Assumptions
from backtests.research.optimizer.objectives import Objective, label_of

# A histogram as static/src/plots draws it; "bad" marks the bins of unfavourable results.
Histogram = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """source_url: the page of the backtest or run. holdout_status: a value of HoldoutStatus, "" if there is no
    holdout. score: the label of the score that the neighbours are compared by. content: the stored
    Evidence.report. joined_folds: the growth of one dollar."""

    name: str
    source_url: str
    start: date
    end: date
    is_backtest: bool
    holdout_status: str
    score: str
    content: dict[str, Any]
    logits: Histogram | None
    joined_folds: list[float] | None
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
        logits=_histogram(
            overfitting.get("logits"), "Logit of the relative rank", "ratio", lambda low, high: high <= 0.0
        ),
        joined_folds=walk_forward.get("equity"),
        months=_histogram(
            bootstrap.get("months"), "Monthly return", "percent", lambda low, high: high <= bootstrap["month"]
        ),
        drawdowns=_histogram(
            bootstrap.get("drawdowns"), "Max drawdown", "percent", lambda low, high: low >= bootstrap["drawdown"]
        ),
    )


def _histogram(
    stored: dict[str, list[float]] | None, score: str, written: str, is_bad: Callable[[float, float], bool]
) -> Histogram | None:
    """stored: {"edges": k + 1, "counts": k}. is_bad: called with the two edges of a bin."""
    if not stored:
        return None
    edges = stored["edges"]
    bad = [is_bad(low, high) for low, high in pairwise(edges)]
    return {**stored, "score": score, "format": written, "bad": bad}
