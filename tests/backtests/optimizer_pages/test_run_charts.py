"""The JSON of a search's charts, from the file of all combinations or from the best rows."""

from typing import Any

import pytest
from django.core.files.storage import storages
from django.test import Client

from backtests.charts import optimizer as optimizer_charts
from backtests.models import OptimizerRun
from backtests.services.optimizer import cancel, run_chunk
from tests.backtests.runs import Clock
from tests.backtests.searches import MakeRun


def chart(browser: Client, run: OptimizerRun, name: str, **query: str) -> Any:
    answer = browser.get(f"/dashboard/optimizer/{run.pk}/{name}.json", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def scores_of(run: OptimizerRun, universe: str = "AAPL") -> dict[tuple[float, float], float]:
    rows = run.candidates.filter(universe=universe, eligible=True).values_list("parameters", "score")
    return {(parameters["fast"], parameters["slow"]): score for parameters, score in rows if score is not None}


def test_a_heat_map_has_a_cell_for_each_pair(searched: OptimizerRun, alices_browser: Client) -> None:
    found = chart(alices_browser, searched, "heat-map", x="fast", y="slow")
    scores = scores_of(searched)
    assert (found["score"], found["statistic"], found["of"]) == ("Sharpe ratio", "best", 26)
    assert found["x"]["label"] == "Fast average"
    for row, (slow, _) in enumerate(found["y"]["ends"]):
        for column, (fast, _) in enumerate(found["x"]["ends"]):
            assert found["cells"][row][column] == pytest.approx(scores.get((fast, slow)))
            assert found["counts"][row][column] == ((fast, slow) in scores)
            # Every pair was tried but the four whose fast average is not the shorter one.
            assert found["tried"][row][column] == (fast < slow)


def test_each_symbol_has_its_own_heat_map(searched: OptimizerRun, alices_browser: Client) -> None:
    one, other = (
        chart(alices_browser, searched, "heat-map", x="fast", y="slow", symbol=symbol)
        for symbol in ("AAPL", "MSFT")
    )
    assert one["cells"] != other["cells"]


def test_the_median_uses_all_scores_of_a_cell(searched: OptimizerRun, alices_browser: Client) -> None:
    best, median = (
        chart(alices_browser, searched, "heat-map", x="fast", y="fast", statistic=statistic)
        for statistic in ("best", "median")
    )
    assert median["statistic"] == "median"
    for place in range(len(best["cells"])):
        assert best["cells"][place][place] > median["cells"][place][place]


def test_rows_with_too_few_trades_have_no_score(queue_search: MakeRun, work: Any, alices_browser: Client) -> None:
    run = work(queue_search(min_trades=100))
    found = chart(alices_browser, run, "heat-map", x="fast", y="slow")
    assert {value for row in found["cells"] for value in row} == {None}
    assert chart(alices_browser, run, "parallel")["rows"] == []
    assert chart(alices_browser, run, "histogram")["winner"] is None


def test_the_last_parallel_line_is_the_best_row(searched: OptimizerRun, alices_browser: Client) -> None:
    found = chart(alices_browser, searched, "parallel")
    assert [axis["name"] for axis in found["axes"]] == ["fast", "slow", "score"]
    scores = scores_of(searched)
    best = max(scores, key=lambda pair: scores[pair])
    assert found["rows"][-1] == pytest.approx([*best, scores[best]])
    assert [row[2] for row in found["rows"]] == sorted(row[2] for row in found["rows"])


def test_the_histogram_counts_every_score_and_has_the_winner(
    searched: OptimizerRun, alices_browser: Client
) -> None:
    found = chart(alices_browser, searched, "histogram")
    assert sum(found["counts"]) == 26
    assert len(found["edges"]) == len(found["counts"]) + 1
    assert found["winner"] == max(scores_of(searched).values())


@pytest.mark.parametrize("is_completed", [True, False])
def test_without_the_file_charts_use_the_best_rows(
    is_completed: bool, searched: OptimizerRun, queue_search: MakeRun, clock: Clock, alices_browser: Client
) -> None:
    if is_completed:
        storages["research"].delete(searched.results_path)
        run = searched
    else:
        run = queue_search()
        run_chunk(run.pk, 0, clock)
    assert chart(alices_browser, run, "heat-map", x="fast", y="slow")["of"] == 26
    assert len(chart(alices_browser, run, "parallel")["rows"]) == len(scores_of(run))
    assert sum(chart(alices_browser, run, "histogram")["counts"]) == 26


PLOTS = {"heat-map": {"x": "fast", "y": "slow"}, "parallel": {}, "histogram": {}}


@pytest.mark.parametrize("name", PLOTS)
def test_a_chart_of_all_combinations_is_complete(
    name: str, searched: OptimizerRun, queue_search: MakeRun, clock: Clock, alices_browser: Client
) -> None:
    assert chart(alices_browser, searched, name, **PLOTS[name])["complete"]
    unfinished = queue_search()
    run_chunk(unfinished.pk, 0, clock)
    assert not chart(alices_browser, unfinished, name, **PLOTS[name])["complete"]
    cancel(unfinished, clock())
    assert not chart(alices_browser, unfinished, name, **PLOTS[name])["complete"]


@pytest.mark.parametrize(("kept", "complete"), [(1000, True), (26, False)])
def test_without_the_file_a_chart_is_complete_if_all_rows_were_kept(
    kept: int, complete: bool, searched: OptimizerRun, alices_browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimizer_charts, "MAX_CANDIDATES", kept)
    storages["research"].delete(searched.results_path)
    assert chart(alices_browser, searched, "parallel")["complete"] == complete


def test_a_run_without_rows_has_empty_charts(queue_search: MakeRun, alices_browser: Client) -> None:
    run = queue_search()
    assert chart(alices_browser, run, "heat-map", x="fast", y="slow")["cells"] == []
    assert chart(alices_browser, run, "parallel")["rows"] == []
    assert chart(alices_browser, run, "histogram")["counts"] == []


@pytest.mark.parametrize("query", [{}, {"x": "fast"}, {"x": "fast", "y": "score"}, {"x": "fast", "y": "../x"}])
def test_unknown_axes_are_refused(searched: OptimizerRun, alices_browser: Client, query: dict[str, str]) -> None:
    answer = alices_browser.get(f"/dashboard/optimizer/{searched.pk}/heat-map.json", query)
    assert answer.status_code == 404
    assert answer.json()["detail"].endswith("fast, slow.")


@pytest.mark.parametrize("name", ["heat-map", "parallel"])
def test_a_ranking_has_no_parameter_charts(ranking: OptimizerRun, alices_browser: Client, name: str) -> None:
    assert alices_browser.get(f"/dashboard/optimizer/{ranking.pk}/{name}.json").status_code == 404
