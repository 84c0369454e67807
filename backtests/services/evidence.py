"""Computing evidence: a worker builds the robustness report of a result and stores it once."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q

from backtests.bars_used import loaded_bars_used
from backtests.engine.simulation import Scenario, prepare_scenario
from backtests.models import Backtest, Candidate, Evidence, OptimizerRun
from backtests.provenance import changes
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
from backtests.research.robustness.walk_forward import HOLDOUT
from backtests.services.bars import load_usable
from backtests.services.benchmark import benchmark_of
from backtests.services.failures import EmptyPeriod, InputsChanged, reason_of
from backtests.services.optimizer import ranked, universes_of
from backtests.services.optimizer.inputs import search_ranges
from backtests.services.optimizer.neighbourhood import score_neighbours
from backtests.services.optimizer.universes import require_unchanged, scenario_of
from backtests.services.queue import enqueue_backtest_evidence, enqueue_candidate_evidence
from strategies.kinds import Kind, kinds
from tradedesk.accounts.changes import bump_version
from tradedesk.wall_time import is_older

log = logging.getLogger(__name__)

# The best candidates of each universe of a run have their evidence computed immediately, the others on request.
BEST = 20
# A task takes seconds: a result without evidence after this time is enqueued again.
OVERDUE_AFTER = timedelta(seconds=60)
# The stage of a run while a worker computes its evidence, which may take minutes for each universe.
COMPUTING = "Computing evidence"
HEARTBEAT_TIMEOUT = timedelta(minutes=5)
# At most this many backtests, and this many runs, are enqueued again at the same time.
MAX_OVERDUE = 20


def compute_for_backtest(backtest_id: int, wall_clock: Callable[[], datetime]) -> None:
    """Compute and store the evidence of a completed backtest that has none."""
    backtest = Backtest.objects.select_related("candidate__run").filter(pk=backtest_id).first()
    if backtest is None or backtest.status != Backtest.Status.COMPLETED or hasattr(backtest, "evidence"):
        return
    try:
        kind, scenario = backtest.make_kind(), _scenario(backtest)
        run = backtest.candidate.run if backtest.candidate else None
        ranges = _ranges(kind, run)
        most = SEARCH_SAMPLE if run and run.is_search else SAMPLE
        search_context = search_context_of(scenario, kind, ranges, most)
        benchmark = benchmark_of(
            backtest.user_id, backtest.compare_with, backtest.timeframe, scenario, backtest.period[1]
        )
        report = build_report(scenario, kind, ranges, search_context, _selection(run), benchmark)
        _store_report(backtest, report, wall_clock())
    except (InterfaceError, OperationalError):
        raise  # the database failed and not the backtest: recovery enqueues it again
    except Exception as error:
        _store_error(backtest, reason_of(error, "evidence of backtest", backtest_id), wall_clock())
    bump_version(backtest.user_id)


def compute_for_run(run_id: int, wall_clock: Callable[[], datetime]) -> None:
    """Compute and store the evidence of the best candidates of each universe of a completed run, unless another
    worker does."""
    unclaimed = OptimizerRun.objects.filter(
        pk=run_id, status=OptimizerRun.Status.COMPLETED, evidence_computed=False, stage=""
    )
    if not unclaimed.update(stage=COMPUTING, heartbeat_at=wall_clock()):
        return
    run = OptimizerRun.objects.get(pk=run_id)
    held = OptimizerRun.objects.filter(pk=run_id, stage=COMPUTING)
    for universe in universes_of(run):
        if run.is_search:
            _score_neighbours(run, universe.key)
        shared: SearchContext | None = None
        for candidate in ranked(run, universe.key)[:BEST]:
            if not held.update(heartbeat_at=wall_clock()):
                return  # deleted, or taken from this worker after the timeout
            shared = _compute_for_row(candidate, wall_clock, shared)
        bump_version(run.user_id)
    held.update(evidence_computed=True, stage="")


def compute_for_candidate(candidate_id: int, wall_clock: Callable[[], datetime]) -> None:
    """Compute and store the evidence of one candidate that has none."""
    candidate = Candidate.objects.select_related("run", "evidence").filter(pk=candidate_id).first()
    if candidate is not None:
        _compute_for_row(candidate, wall_clock, None)
        bump_version(candidate.run.user_id)


def request_evidence(candidate: Candidate) -> None:
    """Enqueue the evidence of a candidate that has none. Candidates below the best get theirs only on request."""
    if not hasattr(candidate, "evidence"):
        # Robust: if the queue cannot be reached, the user still gets the page, and the next request enqueues
        # again.
        transaction.on_commit(lambda: enqueue_candidate_evidence(candidate.pk), robust=True)


def retry_evidence(subject: Backtest | Candidate) -> None:
    """Delete failed evidence and enqueue it again."""
    name = _name_of(subject)
    enqueue = enqueue_candidate_evidence if name == "candidate" else enqueue_backtest_evidence
    failed, _ = Evidence.objects.filter(**{name: subject}).exclude(error="").delete()
    if failed:
        transaction.on_commit(lambda: enqueue(subject.pk), robust=True)


def claim_overdue(wall_now: datetime) -> tuple[list[int], list[int]]:
    """Ids of backtests and of runs to enqueue: completed, without evidence and without a worker that computes it.
    Their heartbeat is renewed, so that none is returned twice within the timeout."""
    overdue = is_older("heartbeat_at", wall_now, OVERDUE_AFTER)
    backtests = Backtest.objects.filter(overdue, status=Backtest.Status.COMPLETED, evidence=None)
    backtest_ids = [
        pk
        for pk in backtests.order_by("-pk").values_list("pk", flat=True)[:MAX_OVERDUE]
        if Backtest.objects.filter(overdue, pk=pk).update(heartbeat_at=wall_now)
    ]
    lost = is_older("heartbeat_at", wall_now, HEARTBEAT_TIMEOUT)
    unclaimed = (overdue & Q(stage="")) | (lost & Q(stage=COMPUTING))
    runs = OptimizerRun.objects.filter(unclaimed, status=OptimizerRun.Status.COMPLETED, evidence_computed=False)
    return backtest_ids, [
        pk
        for pk in runs.order_by("-pk").values_list("pk", flat=True)[:MAX_OVERDUE]
        if runs.filter(pk=pk).update(stage="", heartbeat_at=wall_now)
    ]


def _compute_for_row(
    candidate: Candidate, wall_clock: Callable[[], datetime], shared: SearchContext | None
) -> SearchContext | None:
    """Returns the search context that the rows of one search share; None for a ranking."""
    if hasattr(candidate, "evidence"):
        return shared
    run = candidate.run
    try:
        kind, scenario = candidate.make_kind(), scenario_of(run, candidate.universe, whole=True)
        require_unchanged(run, [candidate.kind])  # the code of the other kinds in a ranking does not matter
        ranges = _ranges(kind, run)
        most = SEARCH_SAMPLE if run.is_search else SAMPLE
        search_context = shared or search_context_of(scenario, kind, ranges, most)
        benchmark = benchmark_of(run.user_id, run.compare_with, run.timeframe, scenario, run.period[1])
        report = build_report(scenario, kind, ranges, search_context, _selection(run), benchmark)
        _store_report(candidate, report, wall_clock())
        return search_context if run.is_search else None
    except (InterfaceError, OperationalError):
        raise  # the database failed and not the row: recovery or the next request enqueues it again
    except Exception as error:
        _store_error(candidate, reason_of(error, "evidence of row", candidate.pk), wall_clock())
        return shared


def _score_neighbours(run: OptimizerRun, universe: str) -> None:
    try:
        score_neighbours(run, universe)
    except (InterfaceError, OperationalError):
        raise
    except Exception:  # the evidence of the rows does not need these scores
        log.warning("Optimizer run %s has no scores of neighbours", run.pk, exc_info=True)


def _scenario(backtest: Backtest) -> Scenario:
    """Raises InputsChanged when the code, or the bars up to the end of the period, differ from those of the
    result."""
    start, end = backtest.period
    bars, series = load_usable(backtest.user_id, backtest.symbols, backtest.timeframe, end)
    if changed := changes(backtest.provenance, [backtest.kind], loaded_bars_used(bars, series, end)):
        raise InputsChanged(f"Since this backtest ran, {' and '.join(changed)} changed. Run it again.")
    scenario = prepare_scenario(
        bars,
        capital=float(backtest.initial_capital),
        rules=backtest.risk_rules(),
        costs=backtest.cost_rules(),
        start=start,
        end=end,
    )
    if not len(scenario.benchmark.time):
        raise EmptyPeriod("There are no longer any bars in this period.")
    return scenario


def _selection(run: OptimizerRun | None) -> Selection:
    if run is None:
        return Selection()
    holdout_status = (
        HoldoutStatus.USED_BY_RANKING
        if not run.is_search
        else HoldoutStatus.NOT_USED
        if run.holdout
        else HoldoutStatus.USED_BY_SEARCH
    )
    return Selection(holdout_status, run.holdout or HOLDOUT, Objective(run.objective), run.weights)


def _ranges(kind: Kind, run: OptimizerRun | None) -> dict[str, Range]:
    """The ranges that were searched, else the kind's own search ranges."""
    if run is not None and run.is_search and run.kind == kind.key:
        return {name: (low, high, step) for name, (low, high, step) in run.grid.items()}
    return search_ranges(kinds()[kind.key])


def _store_report(subject: Backtest | Candidate, report: dict[str, object], wall_now: datetime) -> None:
    _store(subject, report=report, error="", computed_at=wall_now)


def _store_error(subject: Backtest | Candidate, reason: str, wall_now: datetime) -> None:
    _store(subject, report={}, error=reason, computed_at=wall_now)


def _store(subject: Backtest | Candidate, **values: object) -> None:
    """Does nothing when another worker has stored it first or the subject was deleted."""
    with transaction.atomic():
        # Locked, so that a concurrent deletion waits and then deletes the evidence too.
        if type(subject)._default_manager.select_for_update().filter(pk=subject.pk).exists():
            Evidence.objects.get_or_create(**{f"{_name_of(subject)}_id": subject.pk}, defaults=values)


def _name_of(subject: Backtest | Candidate) -> str:
    return "candidate" if isinstance(subject, Candidate) else "backtest"
