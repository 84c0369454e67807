"""The leaderboard: sorting, rows that are not ranked, and the best row of each run."""

import pytest
from pytest_django import DjangoAssertNumQueries

from backtests.models import Candidate, OptimizerRun
from backtests.reports.leaderboard import PAGE_SIZE, Leaderboard, best_rows, leaderboard
from tests.backtests.searches import MakeRun


def board(run: OptimizerRun, sort: str = "") -> Leaderboard:
    return leaderboard(run, "AAPL", sort, None)


def figures_of(found: Leaderboard, name: str) -> list[float]:
    return [row.candidate.figures[name] for row in found.rows]


def test_the_best_score_is_first(searched: OptimizerRun) -> None:
    found = board(searched)
    scores = [row.candidate.score for row in found.rows]
    assert [row.rank for row in found.rows] == list(range(1, PAGE_SIZE + 1))
    assert scores == sorted(scores, key=lambda score: -(score or 0))
    assert found.page.paginator.count == 26


def test_a_search_has_a_column_for_each_parameter_that_varies(searched: OptimizerRun) -> None:
    found = board(searched)
    assert [column.label for column in found.columns][:4] == ["Rank", "Fast average", "Slow average", "Score"]
    first = found.rows[0]
    assert first.values == [first.candidate.parameters["fast"], first.candidate.parameters["slow"]]


def test_a_ranking_has_a_column_of_strategies(ranking: OptimizerRun) -> None:
    found = board(ranking)
    assert [column.label for column in found.columns][:3] == ["Rank", "Strategy", "Score"]
    assert "Golden cross" in [row.candidate.name for row in found.rows]


@pytest.mark.parametrize("name", ["total_return", "sharpe", "max_drawdown", "win_rate", "trades"])
def test_every_figure_sorts_both_ways(searched: OptimizerRun, name: str) -> None:
    ascending, descending = board(searched, name), board(searched, f"-{name}")
    assert figures_of(ascending, name) == sorted(figures_of(ascending, name))
    assert figures_of(descending, name) == sorted(figures_of(descending, name), reverse=True)
    assert {column.order for column in ascending.columns if column.key == name} == {"ascending"}
    assert {column.order for column in ascending.columns if column.key != name} == {""}


def test_a_parameter_sorts_the_rows(searched: OptimizerRun) -> None:
    found = board(searched, "-parameters.slow")
    values = [row.candidate.parameters["slow"] for row in found.rows]
    assert values == sorted(values, reverse=True)


def test_a_second_press_reverses_the_order(searched: OptimizerRun) -> None:
    next_sorts = {column.key: column.next_sort for column in board(searched, "-sharpe").columns}
    assert (next_sorts["sharpe"], next_sorts["total_return"]) == ("sharpe", "-total_return")
    assert (next_sorts["max_drawdown"], next_sorts["parameters.fast"]) == ("max_drawdown", "parameters.fast")


@pytest.mark.parametrize("sort", ["nothing", "-", "--rank", "figures", "run__user__password", "parameters.other"])
def test_an_unknown_column_sorts_by_rank(searched: OptimizerRun, sort: str) -> None:
    assert [row.rank for row in board(searched, sort).rows][:3] == [1, 2, 3]


@pytest.mark.parametrize("sort", ["", "-rank", "total_return", "-total_return", "score"])
def test_rows_with_too_few_trades_come_last_in_every_order(searched: OptimizerRun, sort: str) -> None:
    few = searched.candidates.filter(universe="AAPL").order_by("-score")[:3]
    for candidate in few:
        candidate.figures["trades"] = 2
        Candidate.objects.filter(pk=candidate.pk).update(eligible=False, figures=candidate.figures)
    rows = leaderboard(searched, "AAPL", sort, "2").rows + board(searched, sort).rows
    not_ranked = {row.candidate.pk: row.not_ranked for row in rows if row.not_ranked}
    assert not_ranked == {candidate.pk: "2 trades: too few to rank" for candidate in few}
    assert not [row for row in board(searched, sort).rows[:23] if row.not_ranked]


def test_messages_of_rows_that_are_not_ranked(searched: OptimizerRun) -> None:
    one_trade, no_score, no_positions = searched.candidates.filter(universe="AAPL").order_by("pk")[:3]
    Candidate.objects.filter(pk=one_trade.pk).update(eligible=False, figures=one_trade.figures | {"trades": 1})
    Candidate.objects.filter(pk=no_score.pk).update(eligible=False, score=None)
    Candidate.objects.filter(pk=no_positions.pk).update(
        eligible=False, figures=no_positions.figures | {"exposure": 0.0}
    )
    rows = leaderboard(searched, "AAPL", "", "2").rows + board(searched).rows
    messages = {row.candidate.pk: row.not_ranked for row in rows}
    assert messages[one_trade.pk] == "1 trade: too few to rank"
    assert messages[no_score.pk] == "Sharpe ratio undefined"
    assert messages[no_positions.pk] == "No positions"


def test_an_undefined_figure_comes_last_in_both_orders(searched: OptimizerRun) -> None:
    first = searched.candidates.filter(universe="AAPL").order_by("pk")[0]
    Candidate.objects.filter(pk=first.pk).update(figures=first.figures | {"sharpe": None})
    for sort in ("sharpe", "-sharpe"):
        assert leaderboard(searched, "AAPL", sort, "2").rows[-1].candidate == first


def test_the_best_row_of_each_run_needs_one_query(
    searched: OptimizerRun, queue_search: MakeRun, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    queued = queue_search()
    with django_assert_num_queries(1):
        found = best_rows([searched, queued])
    best = max(searched.candidates.filter(eligible=True), key=lambda candidate: candidate.score or 0)
    assert found == {searched.pk: best}
