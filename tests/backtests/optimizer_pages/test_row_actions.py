"""Actions of a row: run it as a backtest, save it as a strategy."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from backtests.models import Backtest, Candidate, OptimizerRun
from backtests.services import run_backtest
from backtests.services.optimizer import delete_run, open_as_backtest
from strategies.models import Strategy
from tests.backtests.pages import text_of
from tests.backtests.runs import NOW, Clock
from tradedesk.accounts.models import User


@pytest.fixture
def row(searched: OptimizerRun) -> Candidate:
    return searched.candidates.filter(universe="MSFT").order_by("-score")[0]


def url_of(row: Candidate, action: str) -> str:
    return f"/dashboard/optimizer/candidates/{row.pk}/{action}"


def test_a_row_becomes_a_backtest_of_the_whole_period(row: Candidate, alices_browser: Client) -> None:
    answer = alices_browser.post(url_of(row, "backtest"))
    backtest = Backtest.objects.get()
    assert answer.headers["Location"] == f"/dashboard/backtests/{backtest.pk}"
    assert (backtest.candidate, backtest.symbols, backtest.parameters) == (row, ["MSFT"], row.parameters)
    assert (backtest.start_date, backtest.end_date) == (row.run.start_date, row.run.end_date)


@pytest.mark.parametrize("ended", [False, True])
def test_the_page_of_the_backtest_links_to_search_and_row(
    row: Candidate, alices_browser: Client, clock: Clock, ended: bool
) -> None:
    backtest = open_as_backtest(row, NOW)
    if ended:
        run_backtest(backtest.pk, clock)
    page = alices_browser.get(f"/dashboard/backtests/{backtest.pk}")
    link = f'href="/dashboard/optimizer/{row.run_id}?symbol=MSFT#candidate-{row.pk}"'
    assert page.content.decode().count(link) == 1
    assert f"search of Golden cross , row {row.parameter_summary} on MSFT" in text_of(page)
    delete_run(row.run)
    page = alices_browser.get(f"/dashboard/backtests/{backtest.pk}")
    assert "/dashboard/optimizer/" not in page.content.decode()


def test_the_page_of_the_backtest_names_ranking_and_row(ranking: OptimizerRun, alices_browser: Client) -> None:
    row = ranking.candidates.get(name="Golden cross")
    backtest = open_as_backtest(row, NOW)
    shown = text_of(alices_browser.get(f"/dashboard/backtests/{backtest.pk}"))
    assert f"ranking , row Golden cross ({row.parameter_summary}) on AAPL" in shown


def test_naming_run_and_row_needs_no_query(
    row: Candidate, alices_browser: Client, clock: Clock, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    backtest = open_as_backtest(row, NOW)
    run_backtest(backtest.pk, clock)
    url = f"/dashboard/backtests/{backtest.pk}"
    alices_browser.get(url)
    with_its_row = count_queries(lambda: alices_browser.get(url))
    Backtest.objects.update(candidate=None)
    assert count_queries(lambda: alices_browser.get(url)) == with_its_row


def test_a_row_is_saved_as_a_strategy(alice: User, row: Candidate, alices_browser: Client) -> None:
    answer = alices_browser.post(url_of(row, "save"), {"name": "Found"})
    saved = Strategy.objects.get(user=alice, name="Found")
    assert answer.headers["Location"] == f"/dashboard/strategies/{saved.pk}"
    assert (saved.kind, saved.parameters, saved.symbols) == ("sma_crossover", row.parameters, ["MSFT"])


def test_the_suggested_name_is_valid(row: Candidate, alices_browser: Client) -> None:
    page = alices_browser.get(f"/dashboard/optimizer/{row.run_id}", {"symbol": "MSFT"}).content.decode()
    assert f'value="Golden cross ({row.parameter_summary})"' in page
    Candidate.objects.update(name="N" * 80)
    page = alices_browser.get(f"/dashboard/optimizer/{row.run_id}", {"symbol": "MSFT"}).content.decode()
    assert f'value="{"N" * 79}…"' in page


@pytest.mark.parametrize("name", ["N" * 81, "a\x07b"])
def test_an_invalid_name_is_refused(row: Candidate, alices_browser: Client, name: str) -> None:
    before = Strategy.objects.count()
    answer = alices_browser.post(url_of(row, "save"), {"name": name}, follow=True)
    assert answer.redirect_chain == [(f"/dashboard/optimizer/{row.run_id}", 302)]
    assert "name" in text_of(answer)
    assert Strategy.objects.count() == before


def test_a_row_whose_kind_is_not_installed_is_refused(row: Candidate, alices_browser: Client) -> None:
    Candidate.objects.filter(pk=row.pk).update(kind="not_installed")
    backtests, strategies = Backtest.objects.count(), Strategy.objects.count()
    for action in ("backtest", "save"):
        answer = alices_browser.post(url_of(row, action), follow=True)
        assert answer.redirect_chain == [(f"/dashboard/optimizer/{row.run_id}", 302)]
        assert "not_installed" in text_of(answer)
    assert (Backtest.objects.count(), Strategy.objects.count()) == (backtests, strategies)
    assert alices_browser.get(f"/dashboard/optimizer/{row.run_id}", {"symbol": "MSFT"}).status_code == 200
