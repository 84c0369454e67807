"""Evidence: gathered by a worker, stored beside what it is of, and read as a panel of lines."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q

from backtests.models import Backtest, Candidate, Evidence, OptimizerRun
from backtests.optimizer.grid import Range
from backtests.optimizer.objectives import Objective
from backtests.provenance import describe, differences
from backtests.robustness.examination import (
    FAMILY,
    SEARCH_FAMILY,
    Choice,
    Relatives,
    Sight,
    examine,
    relatives_of,
)
from backtests.robustness.panel import Line, counts, in_words, lines
from backtests.robustness.walk_forward import HELD_BACK
from backtests.services.bars import load_usable
from backtests.services.failures import ChangedMeanwhile, EmptyPeriod, reason_of
from backtests.services.ledger import Tried, Where, tried_on_each
from backtests.services.optimizer import markets_of, ranked
from backtests.services.optimizer.checks import search_ranges
from backtests.services.optimizer.markets import scenario_of
from backtests.services.optimizer.neighbourhood import score_neighbours
from backtests.services.queue import enqueue_backtest_evidence, enqueue_candidate_evidence
from backtests.simulation import Scenario, prepare
from strategies.kinds import Kind, kinds
from tradedesk.accounts.changes import touch
from tradedesk.accounts.models import User
from tradedesk.marketdata.library import find_series

log = logging.getLogger(__name__)

# Of each market of a run; what stands below is examined when its page is opened.
BEST = 20
# A task takes seconds: what has none for so long is asked for again.
OVERDUE = timedelta(seconds=60)
# Of a run whose evidence a worker is gathering. A market may take minutes; who is silent for so long is gone.
GATHERING = "Gathering evidence"
SILENT = timedelta(minutes=5)
AT_A_TIME = 20


def gather_for_backtest(backtest_id: int, wall_clock: Callable[[], datetime]) -> None:
    """Examine a completed backtest that has no evidence yet."""
    backtest = Backtest.objects.select_related("candidate__run").filter(pk=backtest_id).first()
    if backtest is None or backtest.status != Backtest.Status.COMPLETED or _has_evidence(backtest):
        return
    try:
        kind, scenario = backtest.make_kind(), _scenario(backtest)
        _refuse_changes(backtest)
        run = backtest.candidate.run if backtest.candidate else None
        ranges = _ranges(kind, run)
        most = SEARCH_FAMILY if run and run.is_search else FAMILY
        relatives = relatives_of(scenario, kind, ranges, most)
        _keep(backtest, examine(scenario, kind, ranges, relatives, _choice(run)), wall_clock())
    except (InterfaceError, OperationalError):
        raise  # no fault of the backtest's: the sweep asks again
    except Exception as error:
        _keep_error(backtest, reason_of(error, "evidence of backtest", backtest_id), wall_clock())
    touch(backtest.user_id)


def gather_for_run(run_id: int, wall_clock: Callable[[], datetime]) -> None:
    """Examine the best rows of each market of a completed run that have no evidence yet, unless another worker is
    at it."""
    waiting = OptimizerRun.objects.filter(pk=run_id, status=OptimizerRun.Status.COMPLETED, findings={}, stage="")
    if not waiting.update(stage=GATHERING, heartbeat_at=wall_clock()):
        return
    run = OptimizerRun.objects.get(pk=run_id)
    own = OptimizerRun.objects.filter(pk=run_id, stage=GATHERING)
    for market in markets_of(run):
        if run.is_search:
            _look_around(run, market.key)
        shared: Relatives | None = None
        for candidate in ranked(run, market.key)[:BEST]:
            if not own.update(heartbeat_at=wall_clock()):
                return  # deleted meanwhile, or so long silent that it is asked for again
            shared = _examine(candidate, wall_clock, shared)
        touch(run.user_id)
    own.update(findings={"gathered": True}, stage="")


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
    runs = OptimizerRun.objects.filter(unclaimed, status=OptimizerRun.Status.COMPLETED, findings={})
    return asked, [
        pk
        for pk in runs.order_by("-pk").values_list("pk", flat=True)[:AT_A_TIME]
        if runs.filter(pk=pk).update(stage="", heartbeat_at=wall_now)
    ]


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
    return {subject.pk: _panel(subject, found) for subject, found in zip(subjects, tried, strict=True)}


def _panel(subject: Backtest | Candidate, tried: Tried) -> Panel:
    evidence = subject.evidence if _has_evidence(subject) else None
    if evidence is None or evidence.error:
        return Panel(subject, error=evidence.error if evidence else "", tries=tried.number)
    # The ledger counts this one too: of a row whose search held the last part back, the backtest it was opened as.
    others = max(tried.reaching - 1, 0)
    found = lines(evidence.findings, max(tried.number, 1), tried.variance, others)
    return Panel(subject, found, tries=tried.number)


def _where(subject: Backtest | Candidate) -> Where:
    on = subject.run if isinstance(subject, Candidate) else subject
    apart = (subject.evidence.findings.get("out_of_sample") or {}) if _has_evidence(subject) else {}
    part = date.fromisoformat(apart["from"]) if apart else None
    return Where(subject.symbols, on.timeframe, on.start_date, on.end_date, part)


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
        _refuse_changes(candidate)
        ranges = _ranges(kind, run)
        most = SEARCH_FAMILY if run.is_search else FAMILY
        relatives = shared or relatives_of(scenario, kind, ranges, most)
        _keep(candidate, examine(scenario, kind, ranges, relatives, _choice(run)), wall_clock())
        return relatives if run.is_search else None
    except (InterfaceError, OperationalError):
        raise  # no fault of the row's: the sweep asks again for what stands among the best, a reader for the rest
    except Exception as error:
        _keep_error(candidate, reason_of(error, "evidence of row", candidate.pk), wall_clock())
        return shared


def _look_around(run: OptimizerRun, market: str) -> None:
    try:
        score_neighbours(run, market)
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


def _choice(run: OptimizerRun | None) -> Choice:
    if run is None:
        return Choice()
    sight = Sight.RANKED if not run.is_search else Sight.HELD_BACK if run.holdout else Sight.SEARCHED
    return Choice(sight, run.holdout or HELD_BACK, Objective(run.objective), run.weights)


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
    with transaction.atomic():
        # Locked, so that a deletion waits until the row is there to be deleted with it.
        if type(subject)._default_manager.select_for_update().filter(pk=subject.pk).exists():
            Evidence.objects.get_or_create(**{f"{_name_of(subject)}_id": subject.pk}, defaults=values)


def _name_of(subject: Backtest | Candidate) -> str:
    return "candidate" if isinstance(subject, Candidate) else "backtest"
