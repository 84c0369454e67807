"""A million combinations: few rows in the database, one shard at a time in memory."""

import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
from django.core.files.storage import storages

from backtests.models import OptimizerChunk, OptimizerRun
from backtests.research.optimizer.figures import FIGURES
from backtests.research.optimizer.sampling import Batch
from backtests.services.optimizer import ranked
from backtests.services.optimizer.candidates import MAX_CANDIDATES, keep_best
from backtests.services.optimizer.create import MAX_CHUNK
from backtests.services.optimizer.finish import finish
from backtests.services.optimizer.inputs import MAX_COMBINATIONS
from backtests.services.optimizer.result_shards import read_results, write_shard
from tests.backtests.runs import NOW
from tests.backtests.searches import MakeRun

MEGABYTE = 2**20


@pytest.fixture
def worked(search: MakeRun) -> OptimizerRun:
    """A run of a million combinations with all chunks done, on random figures."""
    run = search()
    run.chunks.all().delete()
    OptimizerRun.objects.update(combinations=MAX_COMBINATIONS, done=MAX_COMBINATIONS, status="running")
    chance = np.random.default_rng(1)
    for number, first in enumerate(range(0, MAX_COMBINATIONS, MAX_CHUNK)):
        chunk = OptimizerChunk.objects.create(
            run=run, number=number, universe="AAPL", first=first, size=MAX_CHUNK, status="done"
        )
        figures = np.zeros(MAX_CHUNK, FIGURES)
        for name in FIGURES.names or ():
            figures[name] = chance.normal(size=MAX_CHUNK) * 100
        batch: Batch = [
            (place, {"fast": place % 399, "slow": place // 399}) for place in range(first, first + MAX_CHUNK)
        ]
        figures["exposure"] = 0.5
        write_shard(chunk, batch, figures, figures["sharpe"])
        keep_best(run, "AAPL", batch, figures, figures["sharpe"], frozenset())
    return run


def test_a_million_combinations_are_merged_one_shard_at_a_time(worked: OptimizerRun) -> None:
    arrow_before = pa.total_allocated_bytes()
    pool = pa.default_memory_pool()
    tracemalloc.start()
    finish(worked.pk, lambda: NOW)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # All scores are 8 MB, held a few times while they are joined and sorted; the file is over 50 MB.
    assert most < 60 * MEGABYTE
    assert pa.total_allocated_bytes() - arrow_before < 16 * MEGABYTE
    assert (pool.max_memory() or 0) < 64 * MEGABYTE + arrow_before
    worked.refresh_from_db()
    assert worked.status == "completed", worked.error
    assert sum(worked.histograms["AAPL"]["counts"]) == MAX_COMBINATIONS
    assert storages["research"].size(worked.results_path) > 50 * MEGABYTE
    table = read_results(worked.results_path, ["number", "score"], "AAPL")
    number, score = table["number"].to_numpy(), table["score"].to_numpy()
    assert np.array_equal(number, np.arange(MAX_COMBINATIONS))
    rows = list(ranked(worked, "AAPL").values_list("score", flat=True))
    assert len(rows) == MAX_CANDIDATES
    assert worked.candidates.count() == MAX_CANDIDATES
    enough_trades = read_results(worked.results_path, ["trades"], "AAPL")["trades"].to_numpy() >= worked.min_trades
    assert rows == pytest.approx(np.sort(score[enough_trades])[::-1][:MAX_CANDIDATES].tolist())
