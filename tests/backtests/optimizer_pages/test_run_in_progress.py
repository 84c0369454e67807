"""The page of a running optimizer run, its controls and its polls."""

from collections.abc import Callable

import pytest
from django.test import Client

from backtests.models import Evidence, OptimizerRun
from backtests.reports.optimizer import approximate_time
from backtests.services.optimizer import cancel, run_chunk
from backtests.views.optimizer_run import CONTROLS
from tests.backtests.optimizer_pages.conftest import url_of
from tests.backtests.pages import HTMX, facts_of, text_in, text_of
from tests.backtests.runs import NOW, Clock
from tests.backtests.searches import MakeRun

Status = OptimizerRun.Status
PLOTS = {"view": "plots"}


def test_a_queued_run_shows_its_size_and_no_rows(queue_search: MakeRun, alices_browser: Client) -> None:
    run = queue_search()
    page = alices_browser.get(url_of(run))
    assert "0 of 60 combinations." in text_in(page, "progress")
    facts = facts_of(alices_browser.get(url_of(run), {"view": "settings"}))
    assert facts["Combinations"] == "Up to 60 over 2 universes"
    assert facts["Created"] == "2024-05-06 10:30 ET"
    assert "Started" not in facts
    assert 'id="candidate-' not in page.content.decode()


def test_rows_appear_while_it_runs(queue_search: MakeRun, clock: Clock, alices_browser: Client) -> None:
    run = queue_search()
    run_chunk(run.pk, 0, clock)
    page = alices_browser.get(url_of(run))
    assert "30 of 60 combinations, about" in text_in(page, "progress")
    assert 'id="candidate-' in page.content.decode()
    assert "data-plot" in alices_browser.get(url_of(run), PLOTS).content.decode()


def test_charts_of_the_best_rows_are_labelled_so(
    searched: OptimizerRun, queue_search: MakeRun, clock: Clock, alices_browser: Client
) -> None:
    assert text_in(alices_browser.get(url_of(searched), PLOTS), "histogram-heading") == "All scores"
    run = queue_search()
    run_chunk(run.pk, 0, clock)
    for _ in range(2):
        page = alices_browser.get(url_of(run), PLOTS)
        assert text_in(page, "histogram-heading") == "Scores of the best rows so far"
        assert 'data-label="Histogram of all scores"' not in page.content.decode()
        cancel(run, clock())


def test_the_progress_poll_ends_and_reloads_the_page(
    queue_search: MakeRun, work: Callable[[OptimizerRun], OptimizerRun], alices_browser: Client
) -> None:
    run = queue_search()
    fragment = alices_browser.get(url_of(run, "/progress"), headers=HTMX)
    assert fragment.content.decode().lstrip().startswith('<section id="progress"')
    work(run)
    ended = alices_browser.get(url_of(run, "/progress"), headers=HTMX)
    assert (ended.status_code, ended.headers["HX-Refresh"]) == (286, "true")


def test_it_is_paused_resumed_and_cancelled(queue_search: MakeRun, alices_browser: Client) -> None:
    run = queue_search()
    for action, status, next_actions in (
        ("pause", Status.PAUSED, {"resume", "cancel"}),
        ("resume", Status.QUEUED, {"pause", "cancel"}),
        ("cancel", Status.CANCELLED, set()),
    ):
        answer = alices_browser.post(url_of(run, f"/{action}"), follow=True)
        assert answer.redirect_chain == [(url_of(run), 302)]
        run.refresh_from_db()
        assert run.status == status
        html = answer.content.decode()
        assert {each for each in CONTROLS if f'action="{url_of(run, f"/{each}")}"' in html} == next_actions
    assert "Cancelled after 0 of 60 combinations" in text_of(answer)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("pause", "The run is not running, so it cannot be paused."),
        ("resume", "The run is not paused."),
        ("cancel", "The run has already ended."),
    ],
)
def test_messages_of_late_controls(
    searched: OptimizerRun, alices_browser: Client, action: str, message: str
) -> None:
    assert message in text_of(alices_browser.post(url_of(searched, f"/{action}"), follow=True))
    searched.refresh_from_db()
    assert searched.status == Status.COMPLETED


def test_a_failed_run_shows_its_error(queue_search: MakeRun, alices_browser: Client) -> None:
    run = queue_search()
    OptimizerRun.objects.update(status=Status.FAILED, error="The bars are damaged.")
    shown = text_of(alices_browser.get(url_of(run)))
    assert "Failed" in shown
    assert "The bars are damaged." in shown


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "about 1 s"),
        (1, "about 1 s"),
        (119, "about 119 s"),
        (120, "about 2 min"),
        (3600, "about 60 min"),
        (7200, "about 2.0 h"),
    ],
)
def test_an_approximate_time_is_rounded(seconds: float, text: str) -> None:
    assert approximate_time(seconds) == text


# --- Polling the rows ---------------------------------------------------------------------------------------


def poll_status(browser: Client, run: OptimizerRun, **query: str) -> int:
    answer = browser.get(url_of(run), query, headers=HTMX | {"HX-Trigger": "results"})
    assert answer.content.decode().lstrip().startswith('<section id="results"')
    return answer.status_code


def store_evidence(run: OptimizerRun, universe: str) -> None:
    Evidence.objects.bulk_create(
        Evidence(candidate=row, error="For the test.", computed_at=NOW)
        for row in run.candidates.filter(universe=universe)
    )


def test_the_poll_ends_when_the_rows_on_the_page_have_evidence(
    searched: OptimizerRun, alices_browser: Client
) -> None:
    assert poll_status(alices_browser, searched) == 200
    store_evidence(searched, "AAPL")
    assert poll_status(alices_browser, searched) == 286
    assert poll_status(alices_browser, searched, page="2") == 286
    assert poll_status(alices_browser, searched, symbol="MSFT") == 200


def test_the_poll_ends_when_the_evidence_of_the_best_rows_is_computed(
    searched: OptimizerRun, alices_browser: Client
) -> None:
    """The evidence of other rows is computed when a user opens it."""
    OptimizerRun.objects.update(evidence_computed=True)
    assert poll_status(alices_browser, searched) == 286


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.FAILED])
def test_the_poll_ends_with_a_failed_or_cancelled_run(
    queue_search: MakeRun, clock: Clock, alices_browser: Client, status: Status
) -> None:
    run = queue_search()
    run_chunk(run.pk, 0, clock)
    OptimizerRun.objects.update(status=status)
    assert poll_status(alices_browser, run) == 286


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.PAUSED])
def test_the_poll_continues_until_the_run_has_ended(
    queue_search: MakeRun, alices_browser: Client, status: Status
) -> None:
    run = queue_search()
    OptimizerRun.objects.update(status=status)
    assert poll_status(alices_browser, run) == 200


def test_sorting_and_paging_do_not_end_the_poll(searched: OptimizerRun, alices_browser: Client) -> None:
    store_evidence(searched, "AAPL")
    boosted = HTMX | {"HX-Boosted": "true"}
    for query in ({"sort": "-score"}, {"page": "2"}):
        answer = alices_browser.get(url_of(searched), query, headers=boosted)
        assert answer.status_code == 200
        assert answer.content.decode().lstrip().startswith('<section id="results"')
    assert alices_browser.get(url_of(searched)).status_code == 200
