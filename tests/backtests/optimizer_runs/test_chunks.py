"""Working on chunks: what is tried, what it comes to, and that each counts once."""

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from threading import Event
from typing import Any
from unittest.mock import patch

import pytest
from django.core.files.storage import storages
from django.db import OperationalError

from backtests.models import OptimizerRun, TrialRegistry
from backtests.research.optimizer.figures import Figures
from backtests.research.optimizer.sweep import sweep
from backtests.research.optimizer.tpe import next_batch
from backtests.services.optimizer import cancel, pause, ranked, run_chunk
from backtests.services.optimizer.result_shards import read_shard, shard_path
from backtests.services.optimizer.universes import scenario_of
from strategies.kinds.sma_crossover import SmaCrossover
from tests.backtests.optimizer_runs.conftest import Work
from tests.backtests.runs import NOW, Clock
from tests.backtests.searches import MakeRun

Status = OptimizerRun.Status
WORK = "backtests.services.optimizer.work"


def counted(run: OptimizerRun) -> tuple[int, int]:
    """Of this run: done, and the tries in the ledger."""
    run.refresh_from_db()
    return run.done, sum(TrialRegistry.objects.values_list("number", flat=True))


# --- What is tried ---------------------------------------------------------------------------------------------


def test_a_row_has_the_figures_of_a_backtest_of_what_the_search_saw(search: MakeRun, work: Work) -> None:
    run = work(search(min_trades=0))
    assert run.status == Status.COMPLETED, run.error
    for row in list(ranked(run, "AAPL"))[:3]:
        metrics = scenario_of(run, "AAPL").simulate(row.make_kind()).metrics.as_json()
        assert {name: metrics[name] for name in row.figures} == pytest.approx(row.figures, rel=1e-9)
        assert row.score == pytest.approx(metrics["sharpe"], rel=1e-9)


def test_a_search_does_not_see_what_is_held_back(search: MakeRun) -> None:
    run = search(holdout=0.3)
    seen, whole = (scenario_of(run, "AAPL", whole=whole).benchmark.time for whole in (False, True))
    assert len(seen) == len(whole) * 7 // 10


def test_a_ranking_sees_everything(ranking: MakeRun) -> None:
    run = ranking()
    seen, whole = (scenario_of(run, "AAPL", whole=whole).benchmark.time for whole in (False, True))
    assert len(seen) == len(whole)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("method", ["grid", "random", "tpe"])
def test_every_method_tries_each_combination_once(search: MakeRun, work: Work, method: str) -> None:
    trials = None if method == "grid" else 30
    run = work(search(method=method, trials=trials))
    assert run.status == Status.COMPLETED, run.error
    found = {tuple(row.parameters.values()) for row in ranked(run, "AAPL")}
    assert found == {(fast, slow) for fast in range(5, 31, 5) for slow in range(20, 61, 10) if fast < slow}
    assert counted(run) == (30, 26)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("method", ["random", "tpe"])
def test_the_same_seed_finds_the_same_in_whatever_order_the_chunks_are_worked_on(
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


def test_a_kind_that_ranks_symbols_is_tried_on_all_of_them_together(ranking: MakeRun, work: Work) -> None:
    run = work(ranking(strategies=[], all_kinds=True))
    assert run.status == Status.COMPLETED, run.error
    together = [row.kind for row in ranked(run, "*")]
    assert together == ["momentum_rotation"]
    assert "momentum_rotation" not in [row.kind for row in ranked(run, "AAPL")]


# --- Each counts once ------------------------------------------------------------------------------------------


def test_a_chunk_whose_worker_died_before_the_commit_counts_once(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = search()

    class Killed(BaseException):
        """Not an Exception: nothing that the worker does catches it."""

    def dies(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("backtests.services.optimizer.lease.record", dies)
        with pytest.raises(Killed):
            run_chunk(run.pk, 0, clock)
    assert counted(run) == (0, 0)
    assert not run.candidates.exists()
    run.chunks.update(status="queued")
    run_chunk(run.pk, 0, clock)
    assert counted(run) == (30, 26)
    assert run.candidates.count() == 26


def test_a_worker_that_was_taken_for_dead_writes_nothing(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = search()

    def slow(*args: Any) -> Figures:
        found = sweep(*args)
        monkeypatch.undo()
        return found

    def while_it_works() -> datetime:
        if clock.__dict__.setdefault("reads", 0) == 1:  # the chunk is given to another one, who is quicker
            run.chunks.update(status="queued")
            run_chunk(run.pk, 0, clock)
        clock.__dict__["reads"] += 1
        return clock()

    monkeypatch.setattr(f"{WORK}.sweep", slow)
    run_chunk(run.pk, 0, while_it_works)
    assert counted(run) == (30, 26)
    assert run.chunks.get().attempts == 2
    assert run.status == Status.COMPLETED


@pytest.mark.parametrize(("change", "chunk"), [(pause, "queued"), (cancel, "running")])
def test_a_worker_leaves_a_run_that_does_not_go_on(
    search: MakeRun,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[OptimizerRun, datetime], bool],
    chunk: str,
) -> None:
    run, batches, changed = search(), [], Event()

    def waiting(scenario: Any, kind: Any, combinations: Any) -> Figures:
        batches.append(len(combinations))
        changed.wait(20)
        time.sleep(0.1)  # time enough for the other thread to see what its beat has said
        return sweep(scenario, kind, combinations)

    def as_it_beats() -> datetime:
        if batches and not changed.is_set():
            change(run, NOW)
            changed.set()
        return clock()

    monkeypatch.setattr(f"{WORK}.sweep", waiting)
    monkeypatch.setattr(f"{WORK}.HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(f"{WORK}.FIRST_BATCH", 4)
    monkeypatch.setattr(f"{WORK}.SECONDS_A_BATCH", 0)
    run_chunk(run.pk, 0, as_it_beats)
    assert batches in ([4], [4, 4]), "it went on after the change"
    assert counted(run) == (0, 0)
    left = run.chunks.get()
    assert (left.status, left.attempts) == (chunk, 0 if chunk == "queued" else 1)
    assert not storages["research"].exists(shard_path(run.pk, 0))


def test_a_silent_kernel_does_not_make_a_silent_worker(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, beats, enough = search(), [], Event()

    def endless(*args: Any) -> Figures:
        enough.wait(20)
        return sweep(*args)

    def listening() -> datetime:
        beats.append(run.chunks.get().heartbeat_at)
        if len(beats) == 6:
            enough.set()
        return clock()

    monkeypatch.setattr(f"{WORK}.sweep", endless)
    monkeypatch.setattr(f"{WORK}.HEARTBEAT_SECONDS", 0.01)
    run_chunk(run.pk, 0, listening)
    told = [beat for beat in beats[1:6] if beat]
    assert told == sorted(set(told)), "a sign of life changed nothing"


# --- What goes wrong -------------------------------------------------------------------------------------------


def test_a_database_out_of_reach_is_no_fault_of_the_run(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = search()

    def unreachable(*_: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patched:
        patched.setattr("backtests.services.optimizer.lease.record", unreachable)
        run_chunk(run.pk, 0, clock)
    run.refresh_from_db()
    assert (run.status, run.done, run.chunks.get().status) == (Status.RUNNING, 0, "running")


def test_a_mistake_of_ours_ends_the_run_with_a_sentence(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = search()

    def broken(*_: Any) -> Figures:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(f"{WORK}.sweep", broken)
    run_chunk(run.pk, 0, clock)
    run.refresh_from_db()
    assert run.status == Status.FAILED
    assert run.error.startswith("The desk made an error (ZeroDivisionError: division by zero).")
    assert run.finished_at


def test_new_bars_end_the_run_instead_of_mixing_two(search: MakeRun, work: Work) -> None:
    run = search()
    run.provenance["data"]["AAPL"]["fingerprint"] = "of other bars"
    run.save()
    run = work(run)
    assert run.status == Status.FAILED
    assert run.error == "Since this run was created, the bars of AAPL changed. Start it again."


def test_new_code_of_a_kind_ends_a_ranking_too(ranking: MakeRun, work: Work) -> None:
    run = ranking(all_kinds=True)
    run.provenance["kind_codes"]["macd"] = "of another day"
    run.save()
    run = work(run)
    assert run.error == "Since this run was created, the code of “macd” changed. Start it again."


@pytest.mark.usefixtures("small_chunks")
def test_the_estimator_learns_nothing_from_rows_that_may_not_stand_first(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backtests.services.optimizer.create.TPE_BATCH", 10)
    run = search(method="tpe", trials=20, min_trades=20)
    run_chunk(run.pk, 0, clock)
    with patch("backtests.services.optimizer.work.next_batch", side_effect=next_batch) as asked:
        run_chunk(run.pk, 1, clock)
    known = dict(asked.call_args.args[3])
    rows = {row.number: row.score if row.eligible else None for row in ranked(run, "AAPL")}
    assert {None} < {known[number] for number in known}
    assert known == pytest.approx({number: rows[number] for number in known})


def test_a_chunk_says_which_sessions_it_saw(search: MakeRun, work: Work) -> None:
    chunk = work(search()).chunks.get()
    assert (chunk.seen_from, chunk.seen_until) == (date(2005, 1, 3), date(2009, 3, 16))


def test_a_kind_that_is_gone_ends_the_run_with_its_name(search: MakeRun, work: Work) -> None:
    run = search()
    OptimizerRun.objects.update(kind="my_own")
    run = work(run)
    assert (run.status, run.error) == (Status.FAILED, "The strategy kind “my_own” is no longer installed.")


def test_a_part_holds_every_combination_with_its_parameters(search: MakeRun, clock: Clock) -> None:
    run = search(symbols=["AAPL", "MSFT"])  # of the second universe nothing is done, so the parts stay
    run_chunk(run.pk, 0, clock)
    part = read_shard(run.pk, 0)
    assert part.num_rows == 26
    row = part.slice(7, 1).to_pylist()[0]
    kind = {"fast": row["fast"], "slow": row["slow"]}
    again = sweep(scenario_of(run, "AAPL"), SmaCrossover, [kind])[0]
    assert [row[name] for name in again.dtype.names] == pytest.approx(list(again), nan_ok=True)
    assert row["score"] == row["sharpe"]
    assert ranked(run, "AAPL").get(number=row["number"]).score == pytest.approx(row["score"])


def test_days_alone_make_no_result(search: MakeRun, work: Work) -> None:
    run = search()
    OptimizerRun.objects.update(start_date=NOW.date() + timedelta(days=1), end_date=NOW.date() + timedelta(days=9))
    run = work(run)
    assert run.status == Status.FAILED
    assert run.error.startswith("There are no bars of AAPL from 2024-05-07")
