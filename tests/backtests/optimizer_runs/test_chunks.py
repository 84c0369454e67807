"""Running chunks: which combinations they test, their results, and that each counts once."""

import time
from collections.abc import Callable
from datetime import date, datetime
from threading import Event
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import OperationalError

from backtests.models import OptimizerRun, TrialRegistry
from backtests.reports.optimizer import run_report
from backtests.research.optimizer.figures import Figures
from backtests.research.optimizer.sweep import sweep_trials
from backtests.research.robustness.trials import Trials
from backtests.services import lease
from backtests.services.optimizer import cancel, pause, ranked, run_chunk
from backtests.services.optimizer import lease as chunk_lease
from backtests.services.optimizer import work as chunk_work
from backtests.services.optimizer.result_shards import shard_path
from backtests.services.optimizer.universes import scenario_of
from tests.backtests.optimizer_runs.conftest import Work
from tests.backtests.runs import NOW, Clock
from tests.backtests.searches import MakeRun
from tradedesk.core.metrics import session_returns

Status = OptimizerRun.Status


def counted(run: OptimizerRun) -> tuple[int, int]:
    """The combinations that are done, and the trials in the registry."""
    run.refresh_from_db()
    return run.done, sum(TrialRegistry.objects.values_list("trials", flat=True))


# --- Which combinations are tested
# ---------------------------------------------------------------------------------------------


def test_a_candidate_has_the_figures_of_a_backtest_of_the_in_sample_period(search: MakeRun, work: Work) -> None:
    run = work(search(min_trades=0))
    assert run.status == Status.COMPLETED, run.error
    for row in list(ranked(run, "AAPL"))[:3]:
        metrics = scenario_of(run, "AAPL").simulate(row.make_kind()).metrics.as_dict()
        assert {name: metrics[name] for name in row.figures} == pytest.approx(row.figures, rel=1e-9)
        assert row.score == pytest.approx(metrics["sharpe"], rel=1e-9)


def test_a_search_of_less_than_90_days_has_no_figures_per_year_and_is_ranked(search: MakeRun, work: Work) -> None:
    run = work(search(min_trades=0, holdout=0.0, start_date=date(2005, 1, 3), end_date=date(2005, 3, 31)))
    assert run.status == Status.COMPLETED, run.error
    best = ranked(run, "AAPL").filter(eligible=True)[0]
    assert [best.figures[name] for name in ("sharpe", "sortino", "calmar", "cagr")] == [None] * 4
    simulation = scenario_of(run, "AAPL").simulate(best.make_kind())
    returns = session_returns(simulation.result.equity, 100_000.0)
    assert best.score == pytest.approx(returns.mean() / returns.std(ddof=1))
    assert "no figure is per year" in run_report(run, "AAPL").formula


def test_a_search_does_not_use_the_holdout(search: MakeRun) -> None:
    run = search(holdout=0.3)
    used, whole = (scenario_of(run, "AAPL", whole=whole).benchmark.time for whole in (False, True))
    assert len(used) == len(whole) * 7 // 10


def test_a_ranking_uses_the_whole_period(ranking: MakeRun) -> None:
    run = ranking()
    used, whole = (scenario_of(run, "AAPL", whole=whole).benchmark.time for whole in (False, True))
    assert len(used) == len(whole)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("method", ["grid", "random", "tpe"])
def test_every_method_tests_each_combination_once(search: MakeRun, work: Work, method: str) -> None:
    trials = None if method == "grid" else 30
    run = work(search(method=method, trials=trials))
    assert run.status == Status.COMPLETED, run.error
    found = {tuple(row.parameters.values()) for row in ranked(run, "AAPL")}
    assert found == {(fast, slow) for fast in range(5, 31, 5) for slow in range(20, 61, 10) if fast < slow}
    assert counted(run) == (30, 26)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("method", ["random", "tpe"])
def test_the_same_seed_gives_the_same_results_in_any_order_of_the_chunks(
    search: MakeRun, clock: Clock, method: str
) -> None:
    wide = {"fast": (5, 30, 1), "slow": (40, 90, 1)}
    rows = []
    for order in ((0, 1, 2), (0, 1, 2) if method == "tpe" else (2, 0, 1)):
        run = search(method=method, trials=30, grid=wide, seed=5)
        for number in order:
            run_chunk(run.pk, number, clock)
        rows.append([(row.number, row.score) for row in ranked(run, "AAPL")])
    assert rows[0] == rows[1]
    assert len(rows[0]) == 30


def test_a_kind_that_ranks_symbols_is_tested_on_all_of_them_together(ranking: MakeRun, work: Work) -> None:
    run = work(ranking(strategies=[], all_kinds=True))
    assert run.status == Status.COMPLETED, run.error
    together = [row.kind for row in ranked(run, "*")]
    assert together == ["momentum_rotation"]
    assert "momentum_rotation" not in [row.kind for row in ranked(run, "AAPL")]


# --- Each combination counts once
# ------------------------------------------------------------------------------------------


def test_a_chunk_whose_worker_died_before_the_commit_counts_once(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = search()

    class Killed(BaseException):
        """Not an Exception, so the worker does not catch it."""

    def dies(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(chunk_lease, "register_trials", dies)
        with pytest.raises(Killed):
            run_chunk(run.pk, 0, clock)
    assert counted(run) == (0, 0)
    assert not run.candidates.exists()
    run.chunks.update(status="queued")
    run_chunk(run.pk, 0, clock)
    assert counted(run) == (30, 26)
    assert run.candidates.count() == 26
    once = TrialRegistry.objects.get()
    TrialRegistry.objects.all().delete()
    run_chunk(search().pk, 0, clock)
    again = TrialRegistry.objects.get()
    assert (bytes(once.sketch), bytes(once.maxima)) == (bytes(again.sketch), bytes(again.maxima))
    assert len(once.sketch) == 8 * 26


def test_a_worker_that_lost_its_lease_writes_nothing(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = search()

    def slow(*args: Any) -> tuple[Figures, Trials]:
        found = sweep_trials(*args)
        monkeypatch.undo()
        return found

    def read() -> datetime:
        if clock.__dict__.setdefault("reads", 0) == 1:  # another worker claims the chunk and is faster
            run.chunks.update(status="queued")
            run_chunk(run.pk, 0, clock)
        clock.__dict__["reads"] += 1
        return clock()

    monkeypatch.setattr(chunk_work, "sweep_trials", slow)
    run_chunk(run.pk, 0, read)
    assert counted(run) == (30, 26)
    assert run.chunks.get().attempts == 2
    assert run.status == Status.COMPLETED


@pytest.mark.parametrize(("change", "chunk"), [(pause, "queued"), (cancel, "running")])
def test_a_worker_stops_when_its_run_is_paused_or_cancelled(
    search: MakeRun,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[OptimizerRun, datetime], bool],
    chunk: str,
) -> None:
    run, batches, changed = search(), [], Event()

    def waiting(scenario: Any, kind: Any, combinations: Any) -> tuple[Figures, Trials]:
        batches.append(len(combinations))
        changed.wait(20)
        time.sleep(0.1)  # so that the heartbeat sees the change first
        return sweep_trials(scenario, kind, combinations)

    def read_and_change() -> datetime:
        if batches and not changed.is_set():
            change(run, NOW)
            changed.set()
        return clock()

    monkeypatch.setattr(chunk_work, "sweep_trials", waiting)
    monkeypatch.setattr(lease, "HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(chunk_work, "FIRST_BATCH", 4)
    monkeypatch.setattr(chunk_work, "SECONDS_A_BATCH", 0)
    run_chunk(run.pk, 0, read_and_change)
    assert batches in ([4], [4, 4]), "it continued after the change"
    assert counted(run) == (0, 0)
    found = run.chunks.get()
    assert (found.status, found.attempts) == (chunk, 0 if chunk == "queued" else 1)
    assert not storages["research"].exists(shard_path(run.pk, 0))


def test_heartbeats_continue_while_the_kernel_runs(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, beats, enough = search(), [], Event()

    def blocked(*args: Any) -> tuple[Figures, Trials]:
        enough.wait(20)
        return sweep_trials(*args)

    def read() -> datetime:
        beats.append(run.chunks.get().heartbeat_at)
        if len(beats) == 6:
            enough.set()
        return clock()

    monkeypatch.setattr(chunk_work, "sweep_trials", blocked)
    monkeypatch.setattr(lease, "HEARTBEAT_SECONDS", 0.01)
    run_chunk(run.pk, 0, read)
    stored = [beat for beat in beats[1:6] if beat]
    assert stored == sorted(set(stored)), "a heartbeat was not stored"
    assert stored


# --- Failures -------------------------------------------------------------------------------------------


def test_a_database_error_does_not_fail_the_run(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = search()

    def unreachable(*_: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patched:
        patched.setattr(chunk_lease, "register_trials", unreachable)
        run_chunk(run.pk, 0, clock)
    run.refresh_from_db()
    assert (run.status, run.done, run.chunks.get().status) == (Status.RUNNING, 0, "running")


def test_an_internal_error_fails_the_run_and_names_itself(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = search()

    def broken(*_: Any) -> tuple[Figures, Trials]:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(chunk_work, "sweep_trials", broken)
    run_chunk(run.pk, 0, clock)
    run.refresh_from_db()
    assert (run.status, run.done, run.chunks.get().status) == (Status.FAILED, 0, "queued")
    assert "ZeroDivisionError: division by zero" in run.error
    assert run.finished_at
    monkeypatch.undo()
    run_chunk(run.pk, 0, clock)
    assert run.chunks.get().status == "queued"


def test_changed_bars_fail_the_run(search: MakeRun, work: Work) -> None:
    run = search()
    run.provenance["data"]["AAPL"]["fingerprint"] = "of other bars"
    run.save()
    run = work(run)
    assert run.status == Status.FAILED
    assert "the bars of AAPL" in run.error


def test_changed_code_of_a_kind_fails_a_ranking(ranking: MakeRun, work: Work) -> None:
    run = ranking(all_kinds=True)
    run.provenance["kind_codes"]["macd"] = "of another day"
    run.save()
    run = work(run)
    assert run.status == Status.FAILED
    assert "“macd”" in run.error


def test_a_kind_that_is_not_installed_fails_the_run(search: MakeRun, work: Work) -> None:
    run = search()
    OptimizerRun.objects.update(kind="my_own")
    run = work(run)
    assert run.status == Status.FAILED
    assert "“my_own”" in run.error


def test_a_period_without_bars_fails_the_run(search: MakeRun, work: Work) -> None:
    run = search(end_date=date(2011, 1, 2))
    OptimizerRun.objects.update(start_date=date(2011, 1, 1), starts={})  # a Saturday and a Sunday
    run = work(run)
    assert run.status == Status.FAILED
    assert "from 2011-01-01 to 2011-01-02" in run.error
