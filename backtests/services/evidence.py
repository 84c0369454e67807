"""Evidence: gathered by a worker, stored beside what it is of, and read as a panel of lines."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from backtests.models import Backtest, Candidate, Evidence, OptimizerRun
from backtests.optimizer.grid import Range
from backtests.robustness.examination import FAMILY, SEARCH_FAMILY, Relatives, examine, relatives_of
from backtests.robustness.panel import Line, counts, in_words, lines
from backtests.robustness.walk_forward import IN_SAMPLE
from backtests.services.bars import load_usable
from backtests.services.failures import EmptyPeriod, reason_of
from backtests.services.ledger import Where, tried_on_each
from backtests.services.optimizer import markets_of, ranked
from backtests.services.optimizer.checks import search_ranges
from backtests.services.optimizer.markets import scenario_of
from backtests.services.optimizer.neighbourhood import score_neighbours
from backtests.services.queue import enqueue_candidate_evidence
from backtests.simulation import Scenario, prepare
from strategies.kinds import Kind, kinds
from tradedesk.accounts.changes import touch
from tradedesk.accounts.models import User

log = logging.getLogger(__name__)

# Of each market of a run; what stands below is examined when its page is opened.
BEST = 20
# A task takes seconds: what has none for so long is asked for again.
OVERDUE = timedelta(seconds=60)
AT_A_TIME = 20


def gather_for_backtest(backtest_id: int, wall_clock: Callable[[], datetime]) -> None:
    """Examine a completed backtest that has no evidence yet."""
    backtest = Backtest.objects.select_related("candidate__run").filter(pk=backtest_id).first()
    if backtest is None or backtest.status != Backtest.Status.COMPLETED or _has_evidence(backtest):
        return
    try:
        kind, scenario = backtest.make_kind(), _scenario(backtest)
        run = backtest.candidate.run if backtest.candidate else None
        ranges = _ranges(kind, run)
        most = SEARCH_FAMILY if run and run.is_search else FAMILY
        relatives = relatives_of(scenario, kind, ranges, most)
        _keep(backtest, examine(scenario, kind, ranges, relatives), wall_clock())
    except Exception as error:
        _keep_error(backtest, reason_of(error, "evidence of backtest", backtest_id), wall_clock())
    touch(backtest.user_id)


def gather_for_run(run_id: int, wall_clock: Callable[[], datetime]) -> None:
    """Examine the best rows of each market of a completed run that have no evidence yet."""
    run = OptimizerRun.objects.filter(pk=run_id, status=OptimizerRun.Status.COMPLETED).first()
    if run is None:
        return
    for market in markets_of(run):
        if run.is_search:
            _look_around(run, market.key)
        shared: Relatives | None = None
        for candidate in ranked(run, market.key)[:BEST]:
            shared = _examine(candidate, wall_clock, shared)
        touch(run.user_id)
    OptimizerRun.objects.filter(pk=run_id).update(findings={"gathered": True})


def gather_for_candidate(candidate_id: int, wall_clock: Callable[[], datetime]) -> None:
    """Examine one row that has no evidence yet."""
    candidate = Candidate.objects.select_related("run", "evidence").filter(pk=candidate_id).first()
    if candidate is not None:
        _examine(candidate, wall_clock, None)
        touch(candidate.run.user_id)


def ask_for(candidate: Candidate) -> None:
    """Have a row examined that has no evidence yet: those below the best are when somebody looks at them."""
    if not _has_evidence(candidate):
        # Robust: when the queue cannot be reached, the reader still gets the page, and the next one asks again.
        transaction.on_commit(lambda: enqueue_candidate_evidence(candidate.pk), robust=True)


def overdue(wall_now: datetime) -> tuple[list[int], list[int]]:
    """Ids of backtests and of runs that completed a while ago and have no evidence: their messages are lost."""
    before = wall_now - OVERDUE
    backtests = Backtest.objects.filter(
        status=Backtest.Status.COMPLETED, evidence=None, finished_at__lt=before
    ).order_by("-id")
    runs = OptimizerRun.objects.filter(
        Q(findings={}), status=OptimizerRun.Status.COMPLETED, finished_at__lt=before
    ).order_by("-id")
    return (
        list(backtests.values_list("pk", flat=True)[:AT_A_TIME]),
        list(runs.values_list("pk", flat=True)[:AT_A_TIME]),
    )


@dataclass(frozen=True, slots=True)
class Panel:
    """subject: whose evidence it is. lines: empty while pending and where `error` says why there are none. tries:
    of the ledger."""

    subject: Backtest | Candidate
    lines: list[Line] = field(default_factory=list)
    error: str = ""
    tries: int = 0

    @property
    def status(self) -> str:
        return "failed" if self.error else "ready" if self.lines else "pending"

    @property
    def is_pending(self) -> bool:
        return self.status == "pending"

    @property
    def counts(self) -> dict[str, int]:
        return counts(self.lines)

    @property
    def summary(self) -> str:
        return in_words(self.lines)


def panels(user: User, subjects: Sequence[Backtest | Candidate]) -> dict[int, Panel]:
    """The panel of each of these by its id, in one query; they come with `evidence` joined, a candidate with its
    run.
    """
    tried = tried_on_each(user, [_where(subject) for subject in subjects])
    return {
        subject.pk: _panel(subject, found.number, found.variance)
        for subject, found in zip(subjects, tried, strict=True)
    }


def _panel(subject: Backtest | Candidate, tries: int, variance: float | None) -> Panel:
    evidence = subject.evidence if _has_evidence(subject) else None
    if evidence is None or evidence.error:
        return Panel(subject, error=evidence.error if evidence else "", tries=tries)
    return Panel(subject, lines(evidence.findings, max(tries, 1), variance), tries=tries)


def _where(subject: Backtest | Candidate) -> Where:
    on = subject.run if isinstance(subject, Candidate) else subject
    return subject.symbols, on.timeframe, on.start_date, on.end_date


def _has_evidence(subject: Backtest | Candidate) -> bool:
    return hasattr(subject, "evidence") and subject.evidence is not None


def _examine(
    candidate: Candidate, wall_clock: Callable[[], datetime], shared: Relatives | None
) -> Relatives | None:
    """What the rows of one search share is answered, for the next row; None for a ranking."""
    if _has_evidence(candidate):
        return shared
    run = candidate.run
    try:
        kind, scenario = candidate.make_kind(), scenario_of(run, candidate.market, whole=True)
        ranges = _ranges(kind, run)
        most = SEARCH_FAMILY if run.is_search else FAMILY
        relatives = shared or relatives_of(scenario, kind, ranges, most)
        held_back = run.holdout or 1.0 - IN_SAMPLE
        _keep(candidate, examine(scenario, kind, ranges, relatives, held_back), wall_clock())
        return relatives if run.is_search else None
    except Exception as error:
        _keep_error(candidate, reason_of(error, "evidence of row", candidate.pk), wall_clock())
        return shared


def _look_around(run: OptimizerRun, market: str) -> None:
    try:
        score_neighbours(run, market)
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


def _ranges(kind: Kind, run: OptimizerRun | None) -> dict[str, Range]:
    """What was searched, else what the kind would search."""
    if run is not None and run.is_search and run.kind == kind.key:
        return {name: (low, high, step) for name, (low, high, step) in run.grid.items()}
    return search_ranges(kinds()[kind.key])


def _keep(subject: Backtest | Candidate, findings: dict[str, object], wall_now: datetime) -> None:
    _store(subject, findings=findings, error="", computed_at=wall_now)


def _keep_error(subject: Backtest | Candidate, reason: str, wall_now: datetime) -> None:
    _store(subject, findings={}, error=reason, computed_at=wall_now)


def _store(subject: Backtest | Candidate, **values: object) -> None:
    """Another worker that examined it meanwhile has found the same; what was deleted meanwhile has none."""
    name = "candidate" if isinstance(subject, Candidate) else "backtest"
    with transaction.atomic():
        # Locked, so that a deletion waits until the row is there to be deleted with it.
        if type(subject)._default_manager.select_for_update().filter(pk=subject.pk).exists():
            Evidence.objects.get_or_create(**{f"{name}_id": subject.pk}, defaults=values)
