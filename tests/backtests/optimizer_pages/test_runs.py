"""The list of a user's optimizer runs."""

from typing import Any

from django.test import Client

from backtests.models import OptimizerRun
from tests.backtests.optimizer_pages.conftest import URL
from tests.backtests.pages import HTMX, cells_of, text_in
from tests.backtests.searches import MakeRun


def test_the_list_shows_the_status_and_the_best_row(
    searched: OptimizerRun, queue_ranking: MakeRun, alices_browser: Client
) -> None:
    ranking = queue_ranking()
    best = searched.candidates.filter(eligible=True).order_by("-score")[0]
    fragment = alices_browser.get(URL, headers=HTMX)
    run, *others = cells_of(fragment, f"run-{ranking.pk}")[:3]
    # On a phone the first cell has the symbols and the dates too.
    assert (run.startswith("Ranking Rank strategies"), others) == (True, ["Queued", "AAPL"])
    run, status, _, period, combinations, row, score, *_ = cells_of(fragment, f"run-{searched.pk}")
    assert run.startswith("Golden cross Search parameters · Full grid")
    assert (status, period) == ("Completed", "2005-01-03 – 2010-12-31")
    assert combinations == "Up to 60"
    assert (row, score) == (f"{best.parameter_summary} on {best.universe}", f"{best.score:.2f}")


def test_an_empty_list_has_an_empty_state(alices_browser: Client) -> None:
    assert "No runs yet" in text_in(alices_browser.get(URL), "optimizer-runs")


def test_the_number_of_queries_is_constant(
    searched: OptimizerRun, queue_search: MakeRun, alices_browser: Client, count_queries: Any
) -> None:
    for_one = count_queries(lambda: alices_browser.get(URL, headers=HTMX))
    for _ in range(5):
        queue_search()
    assert count_queries(lambda: alices_browser.get(URL, headers=HTMX)) == for_one
