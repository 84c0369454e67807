"""Evidence of a backtest and of an optimizer's rows: gathered once, counted, shown to its owner."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from backtests.models import Backtest, Candidate, Evidence, OptimizerRun, Tries
from backtests.services import run_backtest
from backtests.services.evidence import gather_for_backtest, gather_for_run, overdue, panels
from backtests.services.optimizer import create_search, open_as_backtest, ranked, run_chunk
from strategies.models import Strategy
from tests.backtests.runs import NOW, Clock, Make, Published

KEYS = [
    *("luck", "out_of_sample", "walk_forward", "overfitting", "neighbours", "money", "costs", "trades", "proofs"),
]


def panel_of(subject: Backtest) -> Any:
    read = Backtest.objects.select_related("evidence").get(pk=subject.pk)
    return panels(subject.user, [read])[subject.pk]


@pytest.fixture
def searched(strategy: Strategy, clock: Clock) -> OptimizerRun:
    run = create_search(
        strategy.user,
        strategy,
        symbols=["AAPL"],
        start_date=NOW.date().replace(year=2005),
        end_date=NOW.date().replace(year=2010),
        initial_capital=100_000,
        method="grid",
        grid={"fast": (5, 30, 5), "slow": (40, 80, 20)},
        wall_now=NOW,
    )
    for number in range(run.chunks.count()):
        run_chunk(run.pk, number, clock)
    run.refresh_from_db()
    assert run.status == "completed"
    return run


def test_it_is_pending_until_it_is_gathered(completed: Backtest, clock: Clock) -> None:
    assert panel_of(completed).status == "pending"
    gather_for_backtest(completed.pk, clock)
    panel = panel_of(completed)
    assert panel.status == "ready"
    assert [line.key for line in panel.lines] == KEYS


def test_a_completed_backtest_asks_for_its_evidence(
    make: Make, clock: Clock, published: Published, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    backtest = make()
    with django_capture_on_commit_callbacks(execute=True):
        run_backtest(backtest.pk, clock)
    assert ("backtests.tasks.gather_backtest_evidence", (backtest.pk,)) in published


def test_gathering_twice_keeps_one(completed: Backtest, clock: Clock) -> None:
    gather_for_backtest(completed.pk, clock)
    first = Evidence.objects.get()
    gather_for_backtest(completed.pk, clock)
    assert Evidence.objects.get().computed_at == first.computed_at


def test_every_backtest_is_a_try_on_each_of_its_symbols(make: Make, clock: Clock) -> None:
    for _ in range(3):
        run_backtest(make(symbols=["AAPL", "MSFT"]).pk, clock)
    assert set(Tries.objects.values_list("symbol", "number")) == {("AAPL", 3), ("MSFT", 3)}


def test_a_deleted_backtest_still_counts(completed: Backtest) -> None:
    Backtest.objects.all().delete()
    assert set(Tries.objects.values_list("number", flat=True)) == {1}


def test_more_tries_later_make_the_same_result_look_luckier(completed: Backtest, clock: Clock) -> None:
    gather_for_backtest(completed.pk, clock)
    before = panel_of(completed).lines[0].value
    Tries.objects.update(number=100_000, measured=100_000, sharpe_sum=0.0, sharpe_squares=100_000 * 0.02**2)
    panel = panel_of(completed)
    assert panel.lines[0].value < before
    assert "best of 100,000 tries" in panel.lines[0].words


def test_every_combination_of_a_search_counts_once(searched: OptimizerRun) -> None:
    assert Tries.objects.get().number == 18


def test_the_rows_of_a_search_are_examined_and_share_what_the_search_shares(
    searched: OptimizerRun, clock: Clock
) -> None:
    gather_for_run(searched.pk, clock)
    rows = list(ranked(searched, "AAPL"))
    known = panels(searched.user, rows)
    assert {panel.status for panel in known.values()} == {"ready"}
    overfitting = {row.evidence.findings["overfitting"]["probability"] for row in rows}
    assert len(overfitting) == 1
    assert len({row.evidence.findings["sharpe"] for row in rows}) > 10


def test_a_row_opened_as_a_backtest_is_no_new_try_and_has_the_searchs_family(
    searched: OptimizerRun, clock: Clock
) -> None:
    backtest = open_as_backtest(ranked(searched, "AAPL")[0], NOW)
    run_backtest(backtest.pk, clock)
    gather_for_backtest(backtest.pk, clock)
    assert Tries.objects.get().number == 18
    assert panel_of(backtest).subject.evidence.findings["family"] == 18


def test_what_cannot_be_examined_says_why(completed: Backtest, clock: Clock) -> None:
    Backtest.objects.update(kind="gone")
    gather_for_backtest(completed.pk, clock)
    panel = panel_of(completed)
    assert panel.status == "failed"
    assert "There is no strategy kind “gone”" in panel.error


def test_lost_messages_are_found_after_a_minute(completed: Backtest, searched: OptimizerRun, clock: Clock) -> None:
    soon, late = clock(), clock() + timedelta(minutes=2)
    assert overdue(soon) == ([], [])
    assert overdue(late) == ([completed.pk], [searched.pk])
    gather_for_backtest(completed.pk, clock)
    gather_for_run(searched.pk, clock)
    assert overdue(late) == ([], [])


def test_panels_cost_one_query_however_many(
    searched: OptimizerRun, clock: Clock, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    gather_for_run(searched.pk, clock)
    rows, user = list(ranked(searched, "AAPL")), searched.user
    for some in (rows[:1], rows):
        with django_assert_num_queries(1):
            panels(user, some)


def test_the_page_shows_every_line_with_what_it_asks(
    completed: Backtest, clock: Clock, alices_browser: Client
) -> None:
    url = reverse("backtests:backtest_evidence", args=[completed.pk])
    assert "Being gathered" in alices_browser.get(url).content.decode()
    gather_for_backtest(completed.pk, clock)
    page = alices_browser.get(url).content.decode()
    for line in panel_of(completed).lines:
        assert f'id="{line.key}"' in page
        assert line.asks in page.replace("&#x27;", "'")
    assert "Deploy to Live" in page


def test_a_row_below_the_best_is_examined_when_it_is_asked_for(
    searched: OptimizerRun,
    alices_browser: Client,
    published: Published,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    candidate = Candidate.objects.last()
    assert candidate is not None
    with django_capture_on_commit_callbacks(execute=True):
        alices_browser.get(reverse("backtests:candidate_evidence", args=[candidate.pk]))
    assert ("backtests.tasks.gather_candidate_evidence", (candidate.pk,)) in published
