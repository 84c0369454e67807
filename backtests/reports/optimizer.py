"""What the page of an optimizer run shows beside its rows: what the search saw, and what it was made from."""

from dataclasses import dataclass
from datetime import date

from backtests.models import OptimizerChunk, OptimizerRun
from backtests.provenance import Origin, compare
from backtests.research.optimizer.objectives import LABELS, Objective, formula
from tradedesk.marketdata.library import find_series

MINUTE, HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Report:
    """objective, formula: the score by its name and in words. seen: the first and the last session that the run
    saw, None before the first chunk is done. scored: how many rows of this universe have a score, and left_out: how
    many combinations of the run were not tried, for the kind's own rule refuses them; None before the end."""

    objective: str
    formula: str
    seen: tuple[date, date] | None
    scored: int | None
    left_out: int | None
    origins: list[Origin]


def report_of(run: OptimizerRun, universe: str) -> Report:
    histogram = run.histograms.get(universe)
    return Report(
        objective=LABELS[Objective(run.objective)],
        formula=formula(Objective(run.objective), run.weights),
        seen=_seen(run, universe),
        scored=sum(histogram["counts"]) if histogram else None,
        left_out=_left_out(run),
        origins=compare(run.kind, run.provenance, find_series(run.symbols, run.timeframe)),
    )


def _left_out(run: OptimizerRun) -> int | None:
    tried = [histogram.get("tried") for histogram in run.histograms.values()]
    return run.combinations - sum(tried) if tried and None not in tried else None


def about(seconds: float) -> str:
    """A time to wait, no finer than it is known: "about 40 s", "about 3 min", "about 2.5 h"."""
    if seconds < 1:
        return "about a second"
    if seconds < 2 * MINUTE:
        return f"about {seconds:.0f} s"
    if seconds < 2 * HOUR:
        return f"about {seconds / MINUTE:.0f} min"
    return f"about {seconds / HOUR:.1f} h"


def _seen(run: OptimizerRun, universe: str) -> tuple[date, date] | None:
    done = run.chunks.filter(universe=universe, status=OptimizerChunk.Status.DONE).first()
    return (done.seen_from, done.seen_until) if done and done.seen_from and done.seen_until else None
