"""What the page of the evidence shows of a backtest or of an optimizer's row, beyond the lines of its panel."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.urls import reverse

from backtests.models import Backtest, Candidate
from backtests.models.assumptions import Assumptions
from backtests.services.evidence import Panel

WIDTH, HEIGHT = 240, 64


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle in a box of WIDTH by HEIGHT. low: it stands for the lower half."""

    x: float
    y: float
    width: float
    height: float
    low: bool
    words: str


@dataclass(frozen=True, slots=True)
class Bars:
    low: float
    high: float
    bars: list[Bar]
    box: str = f"0 0 {WIDTH} {HEIGHT}"


@dataclass(frozen=True, slots=True)
class Report:
    """back: the page it belongs to. searched: a search saw the first part alone."""

    name: str
    back: str
    start: date
    end: date
    is_backtest: bool
    searched: bool
    findings: dict[str, Any]
    logits: Bars | None


def report_of(subject: Backtest | Candidate) -> Report:
    evidence = getattr(subject, "evidence", None)
    findings: dict[str, Any] = evidence.findings if evidence else {}
    logits = (findings.get("overfitting") or {}).get("logits")
    on: Assumptions
    if isinstance(subject, Backtest):
        name, on, back = subject.strategy_name, subject, reverse("backtests:detail", args=[subject.pk])
        searched = False
    else:
        name, on = str(subject), subject.run
        back = reverse("backtests:optimizer_run", args=[subject.run_id])
        searched = subject.run.is_search and subject.run.holdout > 0
    return Report(
        name,
        back,
        on.start_date,
        on.end_date,
        isinstance(subject, Backtest),
        searched,
        findings,
        _bars(logits) if logits else None,
    )


def lines_as_json(panel: Panel) -> list[dict[str, Any]]:
    """The lines for the API."""
    return [asdict(line) | {"mark": line.mark.value} for line in panel.lines]


def _bars(logits: dict[str, list[float]]) -> Bars:
    edges, counts = logits["edges"], logits["counts"]
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
                low=edges[place + 1] <= 0.0,
                words=f"{count:,.0f} splits from {edges[place]:.2f} to {edges[place + 1]:.2f}",
            )
            for place, count in enumerate(counts)
        ],
    )
