"""The scores around the candidates of a search."""

from statistics import median
from unittest.mock import patch

import pytest

from backtests.charts.optimizer import BEST, heat_map_chart
from backtests.models import Candidate, OptimizerRun
from backtests.research.optimizer.grid import Grid
from backtests.research.optimizer.sweep import sweep
from backtests.services.evidence import compute_for_run
from backtests.services.optimizer import neighbourhood, ranked
from strategies.kinds.sma_crossover import SmaCrossover
from tests.backtests.optimizer_runs.conftest import Work
from tests.backtests.runs import Clock
from tests.backtests.searches import GRID, MakeRun


def scores_by_pair(run: OptimizerRun) -> dict[tuple[int, int], float | None]:
    return {(row.parameters["fast"], row.parameters["slow"]): row.score for row in ranked(run, "AAPL")}


def test_a_candidate_has_the_median_score_one_step_away(search: MakeRun, work: Work, clock: Clock) -> None:
    run = work(search(min_trades=0))
    with patch.object(neighbourhood, "sweep", side_effect=AssertionError("the search has tested all of them")):
        compute_for_run(run.pk, clock)
    score = scores_by_pair(run)
    row = ranked(run, "AAPL").get(parameters={"fast": 20, "slow": 30})
    around = [(15, 20), (15, 30), (15, 40), (20, 40), (25, 30), (25, 40)]  # 20/20 and 25/20 are invalid
    assert row.neighbours_score == pytest.approx(median(score[pair] or 0 for pair in around))


def test_combinations_that_a_random_search_did_not_test_are_tested(
    search: MakeRun, work: Work, clock: Clock
) -> None:
    whole, some = work(search(min_trades=0)), work(search(min_trades=0, method="random", trials=5))
    compute_for_run(whole.pk, clock)
    compute_for_run(some.pk, clock)
    known = {row.number: row.neighbours_score for row in ranked(whole, "AAPL")}
    assert [row.neighbours_score for row in ranked(some, "AAPL")] == pytest.approx(
        [known[row.number] for row in ranked(some, "AAPL")]
    )


def test_neighbours_with_too_few_trades_do_not_count(search: MakeRun, work: Work, clock: Clock) -> None:
    run = work(search(min_trades=1_000))
    compute_for_run(run.pk, clock)
    assert set(Candidate.objects.values_list("neighbours_score", flat=True)) == {None}


def test_neighbours_that_never_held_a_position_do_not_count(search: MakeRun, work: Work, clock: Clock) -> None:
    """Where a position may be smaller than one share, each returns 0 a year, which is a score but no result."""
    run = work(search(min_trades=0, objective="cagr", max_position_size=1.0))
    compute_for_run(run.pk, clock)
    assert set(Candidate.objects.values_list("score", "neighbours_score")) == {(0.0, None)}
    chart = heat_map_chart(run, "AAPL", "fast", "slow", BEST)
    assert {score for row in chart["cells"] for score in row} == {None}


def test_the_number_of_tested_neighbours_is_bounded(
    search: MakeRun, work: Work, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbourhood, "MAX_TESTED", 3)
    run = work(search(min_trades=0, method="random", trials=5))
    with patch.object(neighbourhood, "sweep", wraps=sweep) as spy:
        compute_for_run(run.pk, clock)
    assert [len(call.args[2]) for call in spy.call_args_list] == [3]


def test_a_run_without_its_results_file_still_has_evidence(search: MakeRun, work: Work, clock: Clock) -> None:
    run = work(search())
    OptimizerRun.objects.update(results_path="optimizer/missing.parquet")
    compute_for_run(run.pk, clock)
    rows = list(ranked(run, "AAPL"))
    assert {row.neighbours_score for row in rows} == {None}
    assert rows[0].evidence.report


def test_the_grid_has_the_axes_that_these_tests_assume() -> None:
    grid = Grid.of(SmaCrossover, GRID, {})
    assert grid.axes == {"fast": (5, 10, 15, 20, 25, 30), "slow": (20, 30, 40, 50, 60)}
