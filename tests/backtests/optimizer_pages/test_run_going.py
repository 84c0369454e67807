"""The page of an optimizer run while it goes, and how its polls end."""

from collections.abc import Callable

import pytest
from django.test import Client

from backtests.models import Evidence, OptimizerRun
from backtests.reports.optimizer import about
from backtests.services.optimizer import cancel, run_chunk
from tests.backtests.optimizer_pages.conftest import url_of
from tests.backtests.pages import HTMX, text_of
from tests.backtests.runs import NOW, Clock
from tests.backtests.searches import MakeRun

Status = OptimizerRun.Status


def test_a_queued_run_says_that_rows_will_come(queue_search: MakeRun, alices_browser: Client) -> None:
    run = queue_search()
    said = text_of(alices_browser.get(url_of(run)))
    assert "Waiting for a worker" in said
    assert "0 of 60 combinations." in said
    assert "Up to 60 over 2 universes Ranked" in said
    assert "Created 2024-05-06 10:30 ET" in said
    assert "Started" not in said
    assert "Nothing found yet" in said


def test_rows_arrive_while_it_runs(queue_search: MakeRun, clock: Clock, alices_browser: Client) -> None:
    run = queue_search()
    run_chunk(run.pk, 0, clock)
    page = alices_browser.get(url_of(run))
    assert "30 of 60 combinations, about" in text_of(page)
    assert "data-plot" in page.content.decode()


def test_the_charts_of_a_part_are_not_called_those_of_all(
    searched: OptimizerRun, queue_search: MakeRun, clock: Clock, alices_browser: Client
) -> None:
    assert "All scores" in text_of(alices_browser.get(url_of(searched)))
    run = queue_search()
    run_chunk(run.pk, 0, clock)
    for _ in range(2):
        page = alices_browser.get(url_of(run))
        assert "All scores" not in text_of(page)
        assert "Histogram of all scores" not in page.content.decode()
        assert "Scores of the best rows so far" in text_of(page)
        cancel(run, clock())


def test_the_progress_ends_its_poll_and_loads_the_page(
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
    for action, status, offers in (
        ("pause", Status.PAUSED, "Go on"),
        ("resume", Status.QUEUED, "Pause"),
        ("cancel", Status.CANCELLED, "Change and run again"),
    ):
        answer = alices_browser.post(url_of(run, f"/{action}"), follow=True)
        assert answer.redirect_chain == [(url_of(run), 302)]
        assert offers in text_of(answer)
        run.refresh_from_db()
        assert run.status == status
    assert "Cancelled after 0 of 60 combinations" in text_of(answer)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("pause", "Nothing to pause: the run is not going."),
        ("resume", "Nothing to resume: the run is not paused."),
        ("cancel", "Nothing to cancel: the run has already ended."),
    ],
)
def test_what_comes_too_late_is_told(
    searched: OptimizerRun, alices_browser: Client, action: str, words: str
) -> None:
    assert words in text_of(alices_browser.post(url_of(searched, f"/{action}"), follow=True))
    searched.refresh_from_db()
    assert searched.status == Status.COMPLETED


def test_a_failed_run_says_why(queue_search: MakeRun, alices_browser: Client) -> None:
    run = queue_search()
    OptimizerRun.objects.update(status=Status.FAILED, error="The bars are damaged.")
    said = text_of(alices_browser.get(url_of(run)))
    assert "Failed" in said
    assert "The bars are damaged." in said
    assert "The run ended before anything was found." in said


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "about a second"),
        (1, "about 1 s"),
        (119, "about 119 s"),
        (120, "about 2 min"),
        (3600, "about 60 min"),
        (7200, "about 2.0 h"),
    ],
)
def test_a_time_to_wait_is_told_no_finer_than_it_is_known(seconds: float, words: str) -> None:
    assert about(seconds) == words


# --- The poll of the rows ----------------------------------------------------------------------------------------


def answer_to_poll(browser: Client, run: OptimizerRun, **query: str) -> int:
    answer = browser.get(url_of(run), query, headers=HTMX | {"HX-Trigger": "results"})
    assert answer.content.decode().lstrip().startswith('<section id="results"')
    return answer.status_code


def examined(run: OptimizerRun, universe: str) -> None:
    Evidence.objects.bulk_create(
        Evidence(candidate=row, error="For the test.", computed_at=NOW)
        for row in run.candidates.filter(universe=universe)
    )


def test_the_poll_ends_when_the_rows_shown_have_their_evidence(
    searched: OptimizerRun, alices_browser: Client
) -> None:
    assert answer_to_poll(alices_browser, searched) == 200
    examined(searched, "AAPL")
    assert answer_to_poll(alices_browser, searched) == 286
    assert answer_to_poll(alices_browser, searched, page="2") == 286
    assert answer_to_poll(alices_browser, searched, symbol="MSFT") == 200


def test_the_poll_ends_when_no_more_evidence_comes_by_itself(
    searched: OptimizerRun, alices_browser: Client
) -> None:
    """Rows below the best are examined when somebody looks at them."""
    OptimizerRun.objects.update(evidence_gathered=True)
    assert answer_to_poll(alices_browser, searched) == 286


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.FAILED])
def test_the_poll_ends_with_a_run_that_leaves_no_result(
    queue_search: MakeRun, clock: Clock, alices_browser: Client, status: Status
) -> None:
    run = queue_search()
    run_chunk(run.pk, 0, clock)
    OptimizerRun.objects.update(status=status)
    assert answer_to_poll(alices_browser, run) == 286


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.PAUSED])
def test_the_poll_of_a_run_that_has_not_ended_goes_on(
    queue_search: MakeRun, alices_browser: Client, status: Status
) -> None:
    run = queue_search()
    OptimizerRun.objects.update(status=status)
    assert answer_to_poll(alices_browser, run) == 200


def test_a_sort_or_a_page_that_is_asked_for_is_no_poll(searched: OptimizerRun, alices_browser: Client) -> None:
    examined(searched, "AAPL")
    boosted = HTMX | {"HX-Boosted": "true"}
    for query in ({"sort": "-score"}, {"page": "2"}):
        answer = alices_browser.get(url_of(searched), query, headers=boosted)
        assert answer.status_code == 200
        assert answer.content.decode().lstrip().startswith('<section id="results"')
    assert alices_browser.get(url_of(searched)).status_code == 200
