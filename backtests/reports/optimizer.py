"""The page of an optimizer run, except its rows: score, dates and provenance."""

from dataclasses import dataclass
from datetime import date

from backtests.models import OptimizerChunk, OptimizerRun
from backtests.provenance import Origin, compare
from backtests.research.optimizer.objectives import LABELS, Objective, formula
from tradedesk.marketdata.library import find_series

MINUTE, HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class RunReport:
    """objective, formula: name and formula of the score. period: the first and the last session that the run
    used, None before the first chunk is done. scored: number of rows of this universe with a score. invalid:
    number of combinations that the kind's own rule excludes. Both are None until the run ends."""

    objective: str
    formula: str
    period: tuple[date, date] | None
    scored: int | None
    invalid: int | None
    origins: list[Origin]


def run_report(run: OptimizerRun, universe: str) -> RunReport:
    histogram = run.histograms.get(universe)
    return RunReport(
        objective=LABELS[Objective(run.objective)],
        formula=formula(Objective(run.objective), run.weights),
        period=_period(run, universe),
        scored=sum(histogram["counts"]) if histogram else None,
        invalid=_invalid(run),
        origins=compare(run.kind, run.provenance, find_series(run.symbols, run.timeframe), run.period[1]),
    )


def _invalid(run: OptimizerRun) -> int | None:
    tested = [histogram.get("tested") for histogram in run.histograms.values()]
    return run.combinations - sum(tested) if tested and None not in tested else None


def approximate_time(seconds: float) -> str:
    """An estimated duration: "about 40 s", "about 3 min", "about 2.5 h"."""
    if seconds < 1:
        return "about 1 s"
    if seconds < 2 * MINUTE:
        return f"about {seconds:.0f} s"
    if seconds < 2 * HOUR:
        return f"about {seconds / MINUTE:.0f} min"
    return f"about {seconds / HOUR:.1f} h"


def _period(run: OptimizerRun, universe: str) -> tuple[date, date] | None:
    done = run.chunks.filter(universe=universe, status=OptimizerChunk.Status.DONE).first()
    return (done.used_from, done.used_until) if done and done.used_from and done.used_until else None
