"""Gathering evidence: a worker builds the robustness report of a result and stores it once."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q

from backtests.engine.simulation import Scenario, prepare
from backtests.models import Backtest, Candidate, Evidence, OptimizerRun
from backtests.provenance import describe, differences
from backtests.research.optimizer.grid import Range
from backtests.research.optimizer.objectives import Objective
from backtests.research.robustness.report import (
    SAMPLE,
    SEARCH_SAMPLE,
    HoldoutStatus,
    SearchContext,
    Selection,
    build_report,
    search_context_of,
)
from backtests.research.robustness.walk_forward import HELD_BACK
from backtests.services.bars import load_usable
from backtests.services.failures import ChangedMeanwhile, EmptyPeriod, reason_of
from backtests.services.optimizer import ranked, universes_of
from backtests.services.optimizer.inputs import search_ranges
from backtests.services.optimizer.neighbourhood import score_neighbours
from backtests.services.optimizer.universes import scenario_of
from backtests.services.queue import enqueue_backtest_evidence, enqueue_candidate_evidence
from strategies.kinds import Kind, kinds
from tradedesk.accounts.changes import bump_version
from tradedesk.marketdata.library import find_series

log = logging.getLogger(__name__)

# Of each universe of a run; what stands below is examined when its page is opened.
BEST = 20
# A task takes seconds: what has none for so long is asked for again.
OVERDUE = timedelta(seconds=60)
# Of a run whose evidence a worker is gathering. A universe may take minutes; who is silent for so long is gone.
GATHERING = "Gathering evidence"
SILENT = timedelta(minutes=5)
AT_A_TIME = 20


def gather_for_backtest(backtest_id: int, wall_clock: Callable[[], datetime]) -> None:
    """Examine a completed backtest that has no evidence yet."""
    backtest = Backtest.objects.select_related("candidate__run").filter(pk=backtest_id).first()
    if backtest is None or backtest.status != Backtest.Status.COMPLETED or hasattr(backtest, "evidence"):
        return
    try:
        kind, scenario = backtest.make_kind(), _scenario(backtest)
        _refuse_changes(backtest)
        run = backtest.candidate.run if backtest.candidate else None
        ranges = _ranges(kind, run)
        most = SEARCH_SAMPLE if run and run.is_search else SAMPLE
        search_context = search_context_of(scenario, kind, ranges, most)
        _keep(backtest, build_report(scenario, kind, ranges, search_context, _selection(run)), wall_clock())
    except (InterfaceError, OperationalError):
        raise  # no fault of the backtest's: the sweep asks again
    except Exception as error:
        _keep_error(backtest, reason_of(error, "evidence of backtest", backtest_id), wall_clock())
    bump_version(backtest.user_id)


def gather_for_run(run_id: int, wall_clock: Callable[[], datetime]) -> None:
    """Examine the best rows of each universe of a completed run that have no evidence yet, unless another worker
    is at it."""
    waiting = OptimizerRun.objects.filter(
        pk=run_id, status=OptimizerRun.Status.COMPLETED, evidence_gathered=False, stage=""
    )
    if not waiting.update(stage=GATHERING, heartbeat_at=wall_clock()):
        return
    run = OptimizerRun.objects.get(pk=run_id)
    own = OptimizerRun.objects.filter(pk=run_id, stage=GATHERING)
    for universe in universes_of(run):
        if run.is_search:
            _look_around(run, universe.key)
        shared: SearchContext | None = None
        for candidate in ranked(run, universe.key)[:BEST]:
            if not own.update(heartbeat_at=wall_clock()):
                return  # deleted meanwhile, or so long silent that it is asked for again
            shared = _examine(candidate, wall_clock, shared)
        bump_version(run.user_id)
    own.update(evidence_gathered=True, stage="")


def gather_for_candidate(candidate_id: int, wall_clock: Callable[[], datetime]) -> None:
    """Examine one row that has no evidence yet."""
    candidate = Candidate.objects.select_related("run", "evidence").filter(pk=candidate_id).first()
    if candidate is not None:
        _examine(candidate, wall_clock, None)
        bump_version(candidate.run.user_id)


def ask_for(candidate: Candidate) -> None:
    """Have a row examined that has no evidence yet: those below the best are when somebody looks at them."""
    if not hasattr(candidate, "evidence"):
        # Robust: when the queue cannot be reached, the reader still gets the page, and the next one asks again.
        transaction.on_commit(lambda: enqueue_candidate_evidence(candidate.pk), robust=True)


def ask_again(subject: Backtest | Candidate) -> None:
    """Have what could not be examined examined once more."""
    name = _name_of(subject)
    enqueue = enqueue_candidate_evidence if name == "candidate" else enqueue_backtest_evidence
    failed, _ = Evidence.objects.filter(**{name: subject}).exclude(error="").delete()
    if failed:
        transaction.on_commit(lambda: enqueue(subject.pk), robust=True)


def overdue(wall_now: datetime) -> tuple[list[int], list[int]]:
    """Ids of backtests and of runs that completed a while ago, have no evidence and no worker that gathers it:
    their messages are lost, or their worker is gone. Each is named once, until as much time has passed again."""
    quiet = Q(heartbeat_at__lt=wall_now - OVERDUE)
    backtests = Backtest.objects.filter(quiet, status=Backtest.Status.COMPLETED, evidence=None)
    asked = [
        pk
        for pk in backtests.order_by("-pk").values_list("pk", flat=True)[:AT_A_TIME]
        if Backtest.objects.filter(quiet, pk=pk).update(heartbeat_at=wall_now)
    ]
    unclaimed = (quiet & Q(stage="")) | Q(stage=GATHERING, heartbeat_at__lt=wall_now - SILENT)
    runs = OptimizerRun.objects.filter(unclaimed, status=OptimizerRun.Status.COMPLETED, evidence_gathered=False)
    return asked, [
        pk
        for pk in runs.order_by("-pk").values_list("pk", flat=True)[:AT_A_TIME]
        if runs.filter(pk=pk).update(stage="", heartbeat_at=wall_now)
    ]


def _examine(
    candidate: Candidate, wall_clock: Callable[[], datetime], shared: SearchContext | None
) -> SearchContext | None:
    """What the rows of one search share is answered, for the next row; None for a ranking."""
    if hasattr(candidate, "evidence"):
        return shared
    run = candidate.run
    try:
        kind, scenario = candidate.make_kind(), scenario_of(run, candidate.universe, whole=True)
        _refuse_changes(candidate)
        ranges = _ranges(kind, run)
        most = SEARCH_SAMPLE if run.is_search else SAMPLE
        search_context = shared or search_context_of(scenario, kind, ranges, most)
        _keep(candidate, build_report(scenario, kind, ranges, search_context, _selection(run)), wall_clock())
        return search_context if run.is_search else None
    except (InterfaceError, OperationalError):
        raise  # no fault of the row's: the sweep asks again for what stands among the best, a reader for the rest
    except Exception as error:
        _keep_error(candidate, reason_of(error, "evidence of row", candidate.pk), wall_clock())
        return shared


def _look_around(run: OptimizerRun, universe: str) -> None:
    try:
        score_neighbours(run, universe)
    except (InterfaceError, OperationalError):
        raise
    except Exception:  # the rows do without, and can still be examined
        log.warning("Optimizer run %s has no scores of neighbours", run.pk, exc_info=True)


def _scenario(backtest: Backtest) -> Scenario:
    bars, _ = load_usable(backtest.symbols, backtest.timeframe)
    start, end = backtest.period
    scenario = prepare(
        bars,
        capital=float(backtest.initial_capital),
        rules=backtest.risk_rules(),
        costs=backtest.cost_rules(),
        start=start,
        end=end,
    )
    if not len(scenario.benchmark.time):
        raise EmptyPeriod("The bars of this period are gone.")
    return scenario


def _refuse_changes(subject: Backtest | Candidate) -> None:
    """Raises ChangedMeanwhile when code or bars are not those of the result: its evidence would be another's."""
    on = subject.run if isinstance(subject, Candidate) else subject
    today = describe(subject.kind, find_series(subject.symbols, on.timeframe))
    # Another version of the desk with the same code finds the same; of a run only the row's own part matters.
    of_kind, bars = on.provenance.get("kind_codes", {}).get(subject.kind), on.provenance.get("data", {})
    recorded = {
        "version": today["version"],
        "kind_code": on.provenance.get("kind_code", of_kind),
        "engine_code": on.provenance.get("engine_code"),
        "data": {symbol: bars[symbol] for symbol in subject.symbols if symbol in bars},
    }
    if changed := " and ".join(differences(recorded, today)):
        if isinstance(subject, Candidate):
            raise ChangedMeanwhile(f"Since this run was created, {changed} changed. Start it again.")
        raise ChangedMeanwhile(f"Since this backtest ran, {changed} changed. Run it again.")


def _selection(run: OptimizerRun | None) -> Selection:
    if run is None:
        return Selection()
    holdout_status = (
        HoldoutStatus.RANKED
        if not run.is_search
        else HoldoutStatus.HELD_BACK
        if run.holdout
        else HoldoutStatus.SEARCHED
    )
    return Selection(holdout_status, run.holdout or HELD_BACK, Objective(run.objective), run.weights)


def _ranges(kind: Kind, run: OptimizerRun | None) -> dict[str, Range]:
    """What was searched, else what the kind would search."""
    if run is not None and run.is_search and run.kind == kind.key:
        return {name: (low, high, step) for name, (low, high, step) in run.grid.items()}
    return search_ranges(kinds()[kind.key])


def _keep(subject: Backtest | Candidate, report: dict[str, object], wall_now: datetime) -> None:
    _store(subject, report=report, error="", computed_at=wall_now)


def _keep_error(subject: Backtest | Candidate, reason: str, wall_now: datetime) -> None:
    _store(subject, report={}, error=reason, computed_at=wall_now)


def _store(subject: Backtest | Candidate, **values: object) -> None:
    """Another worker that examined it meanwhile has found the same; what was deleted meanwhile has none."""
    with transaction.atomic():
        # Locked, so that a deletion waits until the row is there to be deleted with it.
        if type(subject)._default_manager.select_for_update().filter(pk=subject.pk).exists():
            Evidence.objects.get_or_create(**{f"{_name_of(subject)}_id": subject.pk}, defaults=values)


def _name_of(subject: Backtest | Candidate) -> str:
    return "candidate" if isinstance(subject, Candidate) else "backtest"
