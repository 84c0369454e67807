"""The leaderboard of an optimizer run: its rows in one universe, in the order that the reader asks for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Cast

from backtests.lists.sorting import Column, in_order, number_in
from backtests.models import Candidate, OptimizerRun
from backtests.reports.scorecard import Scorecard, scorecards
from backtests.research.optimizer.objectives import LABELS, Objective
from backtests.services.optimizer import ranked
from strategies.kinds import kinds

PAGE_SIZE = 25
PARAMETER = "parameters."
# The classes of the columns that a phone shows; the others stand in words there.
ON_PHONES = {"rank": "", "name": "board-subject", "total_return": "board-return"}
# In the API's names, with the words of the table's head.
FIGURES = {
    "total_return": "Return",
    "sharpe": "Sharpe",
    "max_drawdown": "Max DD",
    "win_rate": "Win rate",
    "trades": "Trades",
}
# Read from the least to the greatest first; all others the other way.
ASCENDING = {"rank", "name", "max_drawdown"}


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate with its rank, what it varies, why it is not ranked ("" for one that is), and its evidence."""

    candidate: Candidate
    rank: int
    values: list[int | float | None]
    not_ranked: str
    scorecard: Scorecard


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """is_settled: nothing more comes to these rows by itself. The best are examined when the run has completed,
    the others when somebody looks at them."""

    page: Page[Candidate]
    columns: list[Column]
    rows: list[Row]
    is_settled: bool


def leaderboard(run: OptimizerRun, universe: str, sort: str, page: str | None) -> Leaderboard:
    """sort: a column's key, with a "-" before it for the greatest first; what is none is by rank."""
    names = varied(run)
    columns, order = in_order(list(_columns(run, names)), sort, "rank")
    # What may not stand first stands below in any order.
    found = ranked(run, universe).order_by("-eligible", order, F("rank"))
    shown = Paginator(found, PAGE_SIZE).get_page(page)
    known = scorecards(run.user, list(shown))
    rows = [_row(run, each, names, known[each.pk]) for each in shown]
    awaited = run.status == OptimizerRun.Status.COMPLETED and not run.evidence_gathered
    pending = awaited and any(row.scorecard.is_pending for row in rows)
    return Leaderboard(shown, columns, rows, is_settled=run.is_finished and not pending)


def varied(run: OptimizerRun) -> list[str]:
    """The parameters that a search varies, in the kind's order; none in a ranking."""
    if not run.is_search:
        return []
    known = kinds()[run.kind].params() if run.kind in kinds() else run.grid
    return [name for name in known if name in run.grid]


def parameter_labels(run: OptimizerRun) -> dict[str, str]:
    """What a search varies, with the words of its kind."""
    params = kinds()[run.kind].params() if run.kind in kinds() else {}
    return {name: params[name].label if name in params else name for name in varied(run)}


def best_of(runs: Iterable[OptimizerRun]) -> dict[int, Candidate]:
    """By run the best row over all its universes; a run without one is absent. One query."""
    rows = Candidate.objects.filter(run=OuterRef("pk"), eligible=True)
    best = rows.order_by(F("score").desc(nulls_last=True), "universe", "number").values("pk")[:1]
    those = OptimizerRun.objects.filter(pk__in=[run.pk for run in runs]).annotate(best=Subquery(best))
    found = Candidate.objects.filter(pk__in=those.values("best"))
    return {candidate.run_id: candidate for candidate in found}


def _labels(run: OptimizerRun, names: list[str]) -> dict[str, str]:
    if not run.is_search:
        subject = {"name": "Strategy"}
    else:
        subject = {PARAMETER + name: label for name, label in parameter_labels(run).items()}
    score = LABELS[Objective(run.objective)] if run.objective == Objective.WEIGHTED else "Score"
    around = {"neighbours": "Neighbours"} if run.is_search else {}
    return {"rank": "Rank", **subject, "score": score, **around, **FIGURES}


def _columns(run: OptimizerRun, names: list[str]) -> Iterator[Column]:
    for key, label in _labels(run, names).items():
        by: F | Cast
        if key in FIGURES:
            by = number_in("figures", key)
        elif key.startswith(PARAMETER):
            by = number_in("parameters", key.removeprefix(PARAMETER))
        else:
            by = F(key)
        rising = key in ASCENDING or key.startswith(PARAMETER)
        place = ON_PHONES.get(key, "max-sm:hidden")
        yield Column(key, label, by, rising=rising, is_text=key == "name", place=place)


def _row(run: OptimizerRun, candidate: Candidate, names: list[str], scorecard: Scorecard) -> Row:
    values = [candidate.parameters.get(name) for name in names]
    rank: int = candidate.rank  # type: ignore[attr-defined]  # annotated by ranked()
    return Row(candidate, rank, values, "" if candidate.eligible else _not_ranked(run, candidate), scorecard)


def _not_ranked(run: OptimizerRun, candidate: Candidate) -> str:
    trades = candidate.figures.get("trades") or 0
    if not candidate.figures.get("exposure"):
        return "Never in the market"
    if trades < run.min_trades:
        return f"{trades} trade{'' if trades == 1 else 's'}: too few to rank"
    return f"{LABELS[Objective(run.objective)]} not defined"
