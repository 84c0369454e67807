"""What a chunk of a run leaves behind: its shard, the sessions that it used, and what the estimator learns."""

from datetime import date
from unittest.mock import patch

import pytest

from backtests.research.optimizer.sweep import sweep
from backtests.research.optimizer.tpe import next_batch
from backtests.services.optimizer import create, ranked, run_chunk
from backtests.services.optimizer import work as chunk_work
from backtests.services.optimizer.result_shards import read_shard
from backtests.services.optimizer.universes import scenario_of
from strategies.kinds.sma_crossover import SmaCrossover
from tests.backtests.optimizer_runs.conftest import Work
from tests.backtests.runs import Clock
from tests.backtests.searches import MakeRun


@pytest.mark.usefixtures("small_chunks")
def test_tpe_learns_nothing_from_rows_that_are_not_eligible(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(create, "TPE_BATCH", 10)
    run = search(method="tpe", trials=20, min_trades=20)
    run_chunk(run.pk, 0, clock)
    with patch.object(chunk_work, "next_batch", wraps=next_batch) as spy:
        run_chunk(run.pk, 1, clock)
    known = dict(spy.call_args.args[3])
    rows = {row.number: row.score if row.eligible else None for row in ranked(run, "AAPL")}
    assert {None} < {known[number] for number in known}
    assert known == pytest.approx({number: rows[number] for number in known})


def test_a_chunk_stores_the_sessions_that_it_used(search: MakeRun, work: Work) -> None:
    chunk = work(search()).chunks.get()
    assert (chunk.used_from, chunk.used_until) == (date(2005, 1, 3), date(2009, 3, 16))


def test_a_shard_has_every_combination_with_its_parameters(search: MakeRun, clock: Clock) -> None:
    run = search(symbols=["AAPL", "MSFT"])  # the second universe is not done, so the shards stay
    run_chunk(run.pk, 0, clock)
    shard = read_shard(run.pk, 0)
    assert shard.num_rows == 26
    row = shard.slice(7, 1).to_pylist()[0]
    parameters = {"fast": row["fast"], "slow": row["slow"]}
    again = sweep(scenario_of(run, "AAPL"), SmaCrossover, [parameters])[0]
    assert [row[name] for name in again.dtype.names] == pytest.approx(list(again), nan_ok=True)
    assert row["score"] == row["sharpe"]
    assert ranked(run, "AAPL").get(number=row["number"]).score == pytest.approx(row["score"])
