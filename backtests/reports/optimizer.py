"""The page of an optimizer run, except its rows: score, dates and provenance."""

from dataclasses import dataclass
from datetime import date

from backtests.models import OptimizerRun
from backtests.provenance import Origin, compare
from backtests.reports.searched import has_yearly_figures, searched_period
from backtests.research.optimizer.edges import Edge, edges_of
from backtests.research.optimizer.grid import InvalidGrid
from backtests.research.optimizer.objectives import Objective, formula, label_of
from backtests.services.optimizer import ranked, warnings_of
from backtests.services.optimizer.create import grid_of, ranges_of
from strategies.kinds import kinds
from tradedesk.core.metrics import LEAST_YEARLY_DAYS
from tradedesk.marketdata.library import find_series

MINUTE, HOUR = 60, 3600
NOT_YEARLY = (
    f". The period is below {LEAST_YEARLY_DAYS} days, so no figure is per year: ratios are per session, growth is "
    "over the whole period"
)


@dataclass(frozen=True, slots=True)
class RunReport:
    """objective, formula: name and formula of the score. period: the first and the last session that the run
    used, None before the first chunk is done. scored: number of rows of this universe with a score. invalid:
    number of combinations that the kind's own rule excludes. Both are None until the run ends. edges: where the
    best row of the universe has the first or the last value of a range; empty until the run has completed."""

    objective: str
    formula: str
    period: tuple[date, date] | None
    scored: int | None
    invalid: int | None
    origins: list[Origin]
    edges: list[Edge]
    # The first day that the rows of this universe are scored from, the longest warm-up that ends by then, in bars,
    # and whether it is later than the start of the run.
    start: date
    warmup: int
    is_later: bool
    warnings: list[str]


def run_report(run: OptimizerRun, universe: str) -> RunReport:
    histogram = run.histograms.get(universe)
    period = searched_period(run, universe)
    yearly = has_yearly_figures(period)
    series = find_series(run.user_id, run.symbols, run.timeframe)
    return RunReport(
        objective=label_of(Objective(run.objective), yearly=yearly),
        formula=formula(Objective(run.objective), run.weights) + ("" if yearly else NOT_YEARLY),
        period=period,
        scored=sum(histogram["counts"]) if histogram else None,
        invalid=_invalid(run),
        origins=compare(run.kind, run.provenance, series, run.period[1]),
        edges=edges_of_run(run, universe) if run.status == OptimizerRun.Status.COMPLETED else [],
        start=run.start_on(universe),
        warmup=run.starts.get(universe, {}).get("warmup", 0),
        is_later=run.start_on(universe) > run.start_date,
        warnings=warnings_of(run),
    )


def edges_of_run(run: OptimizerRun, universe: str) -> list[Edge]:
    """The edges of the best row of a universe; empty without a ranked row, and for a ranking. One query."""
    kind = kinds().get(run.kind)
    best = ranked(run, universe).filter(eligible=True).first()
    if not run.is_search or kind is None or best is None:
        return []
    try:
        return edges_of(grid_of(run), ranges_of(run), kind.params(), best.parameters)
    except InvalidGrid:  # the parameters of the kind have changed
        return []


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
