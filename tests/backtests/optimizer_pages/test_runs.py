"""The list of a user's optimizer runs."""

from typing import Any

from django.test import Client

from backtests.models import OptimizerRun
from tests.backtests.optimizer_pages.conftest import URL
from tests.backtests.pages import HTMX, text_of
from tests.backtests.searches import MakeRun


def test_the_list_shows_how_each_run_stands_and_its_best_row(
    searched: OptimizerRun, queue_ranking: MakeRun, alices_browser: Client
) -> None:
    queue_ranking()
    best = searched.candidates.filter(eligible=True).order_by("-score")[0]
    said = text_of(alices_browser.get(URL, headers=HTMX))
    assert "Ranking Rank strategies Queued AAPL" in said
    assert "Golden cross Search parameters · Full grid" in said
    assert f"{best.parameter_summary} on {best.universe} {best.score:.2f}" in said
    assert "2005-01-03 – 2010-12-31 up to 60 fast" in said
    assert "Return Created (ET)" in said


def test_an_empty_list_says_what_to_do(alices_browser: Client) -> None:
    assert "No runs yet" in text_of(alices_browser.get(URL))


def test_the_list_costs_as_much_for_one_as_for_many(
    searched: OptimizerRun, queue_search: MakeRun, alices_browser: Client, count_queries: Any
) -> None:
    for_one = count_queries(lambda: alices_browser.get(URL, headers=HTMX))
    for _ in range(5):
        queue_search()
    assert count_queries(lambda: alices_browser.get(URL, headers=HTMX)) == for_one
