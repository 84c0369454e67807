"""The leaderboard of an optimizer run: the rows of one universe, sorted by a column."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Cast

from backtests.lists.sorting import Column, json_number, sort_by
from backtests.models import Candidate, OptimizerRun
from backtests.reports.scorecard import Scorecard, scorecards
from backtests.reports.searched import searched_period
from backtests.research.optimizer.objectives import LABELS, Objective
from backtests.services.optimizer import ranked
from strategies.kinds import kinds

PAGE_SIZE = 25
PARAMETER = "parameters."
# Columns that a phone shows, with their classes; the other figures are in one text there.
PHONE_CLASSES = {"rank": "", "name": "board-subject", "total_return": "board-return"}
# Name in the stored figures, and heading.
LEADERBOARD_COLUMNS = {
    "total_return": "Return",
    "sharpe": "Sharpe",
    "max_drawdown": "Max drawdown",
    "win_rate": "Win rate",
    "trades": "Trades",
}
# Columns whose first press sorts in ascending order.
ASCENDING_FIRST = {"rank", "name", "max_drawdown"}


@dataclass(frozen=True, slots=True)
class Row:
    """values: of the parameters that vary. not_ranked: why the candidate is not ranked, "" if it is."""

    candidate: Candidate
    rank: int
    values: list[int | float | str | None]
    not_ranked: str
    scorecard: Scorecard


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """is_final: the page need not poll any longer. The evidence of the best rows is computed when the run
    completes, that of the others when a user opens it. days: of the period that the rows are computed on, None
    before the first chunk is done."""

    page: Page[Candidate]
    columns: list[Column]
    rows: list[Row]
    is_final: bool
    days: int | None


def leaderboard(run: OptimizerRun, universe: str, sort: str, page: str | None) -> Leaderboard:
    """sort: a column's key, "-" before it for descending order; any other value sorts by rank."""
    names = varied_parameters(run)
    columns, order = sort_by(list(_columns(run, names)), sort, "rank")
    # Rows that are not ranked come last in every order.
    ordered = ranked(run, universe).order_by("-eligible", order, F("rank"))
    shown = Paginator(ordered, PAGE_SIZE).get_page(page)
    evidence = scorecards(run.user, list(shown))
    rows = [_row(run, candidate, names, evidence[candidate.pk]) for candidate in shown]
    computing = run.status == OptimizerRun.Status.COMPLETED and not run.evidence_computed
    pending = computing and any(row.scorecard.is_pending for row in rows)
    period = searched_period(run, universe)
    days = (period[1] - period[0]).days if period else None
    return Leaderboard(shown, columns, rows, is_final=run.is_finished and not pending, days=days)


def varied_parameters(run: OptimizerRun) -> list[str]:
    """The parameters that a search varies, in the kind's order; empty for a ranking."""
    if not run.is_search:
        return []
    declared = kinds()[run.kind].params() if run.kind in kinds() else run.grid
    return [name for name in declared if name in run.grid]


def parameter_labels(run: OptimizerRun) -> dict[str, str]:
    """The parameters that a search varies, with the labels of its kind."""
    params = kinds()[run.kind].params() if run.kind in kinds() else {}
    return {name: params[name].label if name in params else name for name in varied_parameters(run)}


def best_rows(runs: Iterable[OptimizerRun]) -> dict[int, Candidate]:
    """The best row of each run over all its universes, by the run's id; runs without a ranked row are absent.
    One query."""
    rows = Candidate.objects.filter(run=OuterRef("pk"), eligible=True)
    best = rows.order_by(F("score").desc(nulls_last=True), "universe", "number").values("pk")[:1]
    with_best = OptimizerRun.objects.filter(pk__in=[run.pk for run in runs]).annotate(best=Subquery(best))
    return {row.run_id: row for row in Candidate.objects.filter(pk__in=with_best.values("best"))}


def _labels(run: OptimizerRun, names: list[str]) -> dict[str, str]:
    if not run.is_search:
        subject = {"name": "Strategy"}
    else:
        subject = {PARAMETER + name: label for name, label in parameter_labels(run).items()}
    score = LABELS[Objective(run.objective)] if run.objective == Objective.WEIGHTED else "Score"
    neighbours = {"neighbours_score": "Neighbours"} if run.is_search else {}
    return {"rank": "Rank", **subject, "score": score, **neighbours, **LEADERBOARD_COLUMNS}


def _columns(run: OptimizerRun, names: list[str]) -> Iterator[Column]:
    for key, label in _labels(run, names).items():
        expression: F | Cast
        if key in LEADERBOARD_COLUMNS:
            expression = json_number("figures", key)
        elif key.startswith(PARAMETER):
            expression = json_number("parameters", key.removeprefix(PARAMETER))
        else:
            expression = F(key)
        ascending_first = key in ASCENDING_FIRST or key.startswith(PARAMETER)
        css_class = PHONE_CLASSES.get(key, "max-sm:hidden")
        yield Column(
            key, label, expression, ascending_first=ascending_first, is_text=key == "name", css_class=css_class
        )


def _row(run: OptimizerRun, candidate: Candidate, names: list[str], scorecard: Scorecard) -> Row:
    named = candidate.named_parameters
    values = [named.get(name) for name in names]
    rank: int = candidate.rank  # type: ignore[attr-defined]  # annotated by ranked()
    return Row(candidate, rank, values, "" if candidate.eligible else _not_ranked(run, candidate), scorecard)


def _not_ranked(run: OptimizerRun, candidate: Candidate) -> str:
    trades = candidate.figures.get("trades") or 0
    if not candidate.figures.get("exposure"):
        return "No positions"
    if trades < run.min_trades:
        return f"{trades} trade{'' if trades == 1 else 's'}: too few to rank"
    return f"{LABELS[Objective(run.objective)]} undefined"
