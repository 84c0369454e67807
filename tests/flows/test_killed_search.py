"""A search whose workers are killed with SIGKILL again and again: it completes, and each combination counts
once."""

import random
import time
from datetime import date

import numpy as np
import pytest
from django.utils import timezone

from backtests.models import OptimizerChunk, OptimizerRun, TrialRegistry
from backtests.services.optimizer import create, create_search, ranked
from backtests.services.optimizer.candidates import MAX_CANDIDATES
from backtests.services.optimizer.result_shards import read_results
from backtests.tasks import recover_optimizer_runs
from strategies.services import save_strategy
from tests.flows.worker_forks import WorkerForks
from tradedesk.accounts.models import User
from tradedesk.marketdata.services import load_samples

KILLS = 6
GRID = {"fast": (2, 101, 1), "slow": (102, 201, 1)}
COMBINATIONS = 100 * 100

pytestmark = [pytest.mark.crash, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> OptimizerRun:
    """A search of 10,000 combinations in 40 chunks."""
    monkeypatch.setattr(create, "MAX_CHUNK", COMBINATIONS // 40)
    load_samples(timezone.now())
    user = User.objects.create_user("searcher@example.com", "a password of no interest")
    strategy = save_strategy(
        user, name="Cross", kind="sma_crossover", parameters={}, symbols=["AAPL"], timeframe="1Day"
    )
    return create_search(
        user,
        strategy,
        method="grid",
        grid=GRID,
        min_trades=3,
        start_date=date(2000, 1, 3),
        end_date=date(2012, 12, 31),
        initial_capital=100_000,
        wall_now=timezone.now(),
    )


def test_a_search_whose_workers_are_killed_counts_every_combination_once(
    worker_forks: WorkerForks, run: OptimizerRun
) -> None:
    generator, interrupted = random.Random(20120305), 0
    for _ in range(KILLS):
        worker, before = worker_forks.worker(), done(run)
        wait_for_a_running_chunk(before)
        time.sleep(generator.uniform(0, 0.05))
        worker_forks.kill(worker)
        interrupted += OptimizerChunk.objects.filter(status="running").count()
    assert done(run) < COMBINATIONS, "the search completed before all kills"
    worker = worker_forks.worker()
    wait_for_the_end(run)
    worker_forks.kill(worker)

    print(f"{KILLS} kills, {interrupted} chunks interrupted of {OptimizerChunk.objects.count()}")
    assert interrupted, "no kill hit a running chunk"
    assert (run.status, run.error, run.done) == ("completed", "", COMBINATIONS)
    assert TrialRegistry.objects.get().trials == COMBINATIONS
    table = read_results(run.results_path, ["number", "score", "trades"], "AAPL")
    assert np.array_equal(table["number"].to_numpy(), np.arange(COMBINATIONS))
    score = table["score"].to_numpy()[table["trades"].to_numpy() >= run.min_trades]
    kept = [row.score for row in ranked(run, "AAPL")]
    assert kept == pytest.approx(np.sort(score)[::-1][:MAX_CANDIDATES].tolist())
    assert sum(run.histograms["AAPL"]["counts"]) == np.isfinite(table["score"].to_numpy()).sum()
    assert run.user.notifications.count() == 1


def done(run: OptimizerRun) -> int:
    run.refresh_from_db()
    return run.done


def wait_for_a_running_chunk(before: int) -> None:
    """Wait until this worker has completed one chunk and started another."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        recover_optimizer_runs.delay()
        for _ in range(20):
            time.sleep(0.01)
            if (
                OptimizerRun.objects.filter(done__gt=before).exists()
                and OptimizerChunk.objects.filter(status="running").exists()
            ):
                return


def wait_for_the_end(run: OptimizerRun) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not run.is_finished:
        recover_optimizer_runs.delay()
        time.sleep(0.3)
        run.refresh_from_db()
