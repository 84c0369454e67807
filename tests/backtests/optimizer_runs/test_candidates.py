"""Candidates: which ones are stored, how they rank, and what can be made from them."""

from typing import Any

import numpy as np
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from backtests.models import Backtest, OptimizerRun
from backtests.research.optimizer.figures import FIGURES, Figures
from backtests.research.optimizer.sampling import Batch
from backtests.services import run_backtest
from backtests.services.optimizer import open_as_backtest, ranked, result_shards, run_chunk, save_as_strategy
from backtests.services.optimizer import work as chunk_work
from backtests.services.optimizer.candidates import MAX_CANDIDATES, keep_best
from strategies.models import Strategy
from strategies.services import delete_strategy
from tests.backtests.optimizer_runs.conftest import Work
from tests.backtests.runs import NOW, Clock
from tests.backtests.searches import MakeRun

Status = OptimizerRun.Status


def chunk_of(numbers: list[int], sharpe: Any, trades: Any) -> tuple[Batch, Figures, Any]:
    figures = np.zeros(len(numbers), FIGURES)
    figures["sharpe"], figures["trades"], figures["exposure"] = sharpe, trades, 0.5
    return [(number, {"fast": 5, "slow": 20}) for number in numbers], figures, figures["sharpe"]


def keep(run: OptimizerRun, numbers: list[int], sharpe: Any, trades: Any = 100) -> None:
    keep_best(run, "AAPL", *chunk_of(numbers, sharpe, trades), frozenset({run.strategy_id or 0}))


# --- Which are stored --------------------------------------------------------------------------------------------


def test_the_best_500_of_all_chunks_are_stored(search: MakeRun) -> None:
    run = search()
    scores = np.random.default_rng(5).normal(size=3_000)
    for first in range(0, 3_000, 600):
        keep(run, list(range(first, first + 600)), scores[first : first + 600])
    assert [row.number for row in ranked(run, "AAPL")] == np.argsort(-scores)[:MAX_CANDIDATES].tolist()


def test_equal_rows_rank_by_number_across_chunks(search: MakeRun) -> None:
    run = search()
    numbers = np.random.default_rng(5).permutation(2_000)
    for first in range(0, 2_000, 1_000):
        keep(run, numbers[first : first + 1_000].tolist(), 1.0)
    assert [row.number for row in ranked(run, "AAPL")] == list(range(MAX_CANDIDATES))


def test_a_row_with_too_few_trades_ranks_below_all_that_have_enough(search: MakeRun) -> None:
    run = search(min_trades=10)
    keep(run, [1, 2, 3, 4], [9.0, -1.0, np.nan, 0.5], [2, 10, 50, 10])
    rows = list(ranked(run, "AAPL"))
    assert [(row.rank, row.number, row.eligible) for row in rows] == [  # type: ignore[attr-defined]
        (1, 4, True),
        (2, 2, True),
        (3, 1, False),
        (4, 3, False),
    ]
    assert rows[3].score is None
    assert rows[3].figures["sharpe"] is None


def test_a_row_with_enough_trades_displaces_better_ones_without(search: MakeRun) -> None:
    run = search(min_trades=10)
    keep(run, list(range(600)), 9.0, 2)
    keep(run, [600, 601], 0.5, 10)
    keep(run, [602], np.nan, 10)
    rows = list(ranked(run, "AAPL"))
    assert [row.number for row in rows[:3]] == [600, 601, 0]
    assert len(rows) == MAX_CANDIDATES
    assert rows[-1].number == MAX_CANDIDATES - 3


def test_each_universe_stores_its_own_500(search: MakeRun) -> None:
    run = search(symbols=["AAPL", "MSFT"])
    for universe in ("AAPL", "MSFT"):
        keep_best(run, universe, *chunk_of(list(range(600)), 1.0, 100), frozenset())
    assert [ranked(run, universe).count() for universe in ("AAPL", "MSFT")] == [MAX_CANDIDATES, MAX_CANDIDATES]


@given(st.data())
def test_the_sort_order_of_keep_best_is_that_of_ranked(data: st.DataObject) -> None:
    # Without a database: the same keys, sorted by Python.
    count = data.draw(st.integers(1, 30))
    score = np.array(data.draw(st.lists(st.sampled_from((np.nan, 0.0, 1.0)), min_size=count, max_size=count)))
    fit = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count))) & ~np.isnan(score)
    numbers = np.array(data.draw(st.permutations(range(count))))
    found = np.lexsort((numbers, np.where(np.isnan(score), np.inf, -score), ~fit))
    expected = sorted(
        range(count),
        key=lambda row: (not fit[row], np.isnan(score[row]), -np.nan_to_num(score[row]), numbers[row]),
    )
    assert found.tolist() == expected


# --- A strategy that is deleted during its run ---------------------------------------------------------


@pytest.mark.usefixtures("small_chunks")
def test_a_search_continues_after_its_strategy_is_deleted(search: MakeRun, work: Work, clock: Clock) -> None:
    run = search()
    run_chunk(run.pk, 0, clock)
    delete_strategy(Strategy.objects.get())
    run = work(run)
    assert run.status == Status.COMPLETED, run.error
    rows = list(ranked(run, "AAPL"))
    assert len(rows) == 26
    assert {(row.strategy_id, row.name) for row in rows} == {(None, "Golden cross")}


def test_a_chunk_completes_if_its_strategy_is_deleted_while_it_runs(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = search()
    write = result_shards.write_shard

    def deleted_first(*args: Any) -> None:
        delete_strategy(Strategy.objects.get())
        write(*args)

    monkeypatch.setattr(chunk_work, "write_shard", deleted_first)
    run_chunk(run.pk, 0, clock)
    connection.check_constraints()
    run.refresh_from_db()
    assert (run.status, run.candidates.count()) == (Status.COMPLETED, 26)


def test_a_ranking_keeps_the_row_of_a_deleted_strategy(ranking: MakeRun, work: Work) -> None:
    run = ranking(all_kinds=True)
    delete_strategy(Strategy.objects.get())
    run = work(run)
    connection.check_constraints()
    assert run.status == Status.COMPLETED, run.error
    assert ranked(run, "AAPL").get(name="Golden cross").strategy_id is None


def test_a_run_is_deleted_with_its_owner(search: MakeRun, work: Work) -> None:
    run = search()
    pk = run.pk
    run.user.delete()
    run_chunk(pk, 0, lambda: NOW)
    assert not OptimizerRun.objects.exists()
    connection.check_constraints()


# --- What can be made from a candidate
# -------------------------------------------------------------------------------------


def test_a_candidate_opens_as_a_backtest_of_the_whole_period(search: MakeRun, work: Work, clock: Clock) -> None:
    run = work(search(symbols=["AAPL", "MSFT"], stop_loss_pct=0.2, commission_bps=5.0))
    row = ranked(run, "MSFT")[0]
    backtest = open_as_backtest(row, NOW)
    assert (backtest.symbols, backtest.parameters, backtest.candidate) == (["MSFT"], row.parameters, row)
    fast, slow = row.parameters["fast"], row.parameters["slow"]
    assert backtest.strategy_name == f"Golden cross (fast {fast}, slow {slow})"
    assert (backtest.start_date, backtest.end_date) == (run.start_date, run.end_date)
    assert (backtest.rules["stop_loss_pct"], backtest.costs["commission_bps"]) == (0.2, 5.0)
    assert backtest.rules["position_size_pct"] == 0.95
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert backtest.status == Backtest.Status.COMPLETED, backtest.error


def test_a_backtest_of_a_ranked_candidate_has_the_same_figures(ranking: MakeRun, work: Work, clock: Clock) -> None:
    run = work(ranking())
    row = ranked(run, "AAPL")[0]
    backtest = open_as_backtest(row, NOW)
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert {name: backtest.metrics[name] for name in row.figures} == pytest.approx(row.figures, rel=1e-9)


def test_a_candidate_is_saved_as_a_strategy(search: MakeRun, work: Work) -> None:
    run = work(search())
    row = ranked(run, "AAPL")[0]
    saved = save_as_strategy(row)
    assert (saved.kind, saved.parameters, saved.symbols) == ("sma_crossover", row.parameters, ["AAPL"])
    fast, slow = row.parameters["fast"], row.parameters["slow"]
    assert saved.name == f"Golden cross (fast {fast}, slow {slow})"
    assert save_as_strategy(row, "Mine").name == "Mine"


def test_the_candidates_of_a_universe_cost_one_query(
    search: MakeRun, work: Work, django_assert_num_queries: Any
) -> None:
    run = work(search())
    with django_assert_num_queries(1):
        rows = list(ranked(run, "AAPL"))
        assert [(row.run.status, row.strategy and row.strategy.name, row.parameter_summary) for row in rows]
