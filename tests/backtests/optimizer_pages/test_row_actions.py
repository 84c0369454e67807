"""What can be done with a row: open it as a backtest, save it as a strategy."""

import pytest
from django.test import Client

from backtests.models import Backtest, Candidate, OptimizerRun
from strategies.models import Strategy
from tests.backtests.pages import text_of
from tradedesk.accounts.models import User


@pytest.fixture
def row(searched: OptimizerRun) -> Candidate:
    return searched.candidates.filter(market="MSFT").order_by("-score")[0]


def url_of(row: Candidate, action: str) -> str:
    return f"/dashboard/optimizer/candidates/{row.pk}/{action}"


def test_a_row_opens_as_a_backtest_of_the_whole_period(row: Candidate, alices_browser: Client) -> None:
    answer = alices_browser.post(url_of(row, "backtest"))
    backtest = Backtest.objects.get()
    assert answer.headers["Location"] == f"/dashboard/backtests/{backtest.pk}"
    assert (backtest.candidate, backtest.symbols, backtest.parameters) == (row, ["MSFT"], row.parameters)
    assert (backtest.start_date, backtest.end_date) == (row.run.start_date, row.run.end_date)


def test_a_row_is_saved_as_a_strategy(alice: User, row: Candidate, alices_browser: Client) -> None:
    answer = alices_browser.post(url_of(row, "save"), {"name": "Found"})
    saved = Strategy.objects.get(user=alice, name="Found")
    assert answer.headers["Location"] == f"/dashboard/strategies/{saved.pk}"
    assert (saved.kind, saved.parameters, saved.symbols) == ("sma_crossover", row.parameters, ["MSFT"])


def test_the_name_on_offer_is_one_that_can_be_saved(row: Candidate, alices_browser: Client) -> None:
    page = alices_browser.get(f"/dashboard/optimizer/{row.run_id}", {"symbol": "MSFT"}).content.decode()
    assert f'value="Golden cross ({row.parameter_summary})"' in page
    Candidate.objects.update(name="N" * 80)
    page = alices_browser.get(f"/dashboard/optimizer/{row.run_id}", {"symbol": "MSFT"}).content.decode()
    assert f'value="{"N" * 79}…"' in page


@pytest.mark.parametrize("name", ["N" * 81, "a\x07b"])
def test_a_name_that_cannot_be_saved_is_told(row: Candidate, alices_browser: Client, name: str) -> None:
    before = Strategy.objects.count()
    answer = alices_browser.post(url_of(row, "save"), {"name": name}, follow=True)
    assert answer.redirect_chain == [(f"/dashboard/optimizer/{row.run_id}", 302)]
    assert "name" in text_of(answer)
    assert Strategy.objects.count() == before


def test_a_row_whose_kind_is_gone_says_so(row: Candidate, alices_browser: Client) -> None:
    Candidate.objects.filter(pk=row.pk).update(kind="gone")
    for action, words in (("backtest", "This row cannot run any more."), ("save", "There is no strategy kind")):
        assert words in text_of(alices_browser.post(url_of(row, action), follow=True))
    assert alices_browser.get(f"/dashboard/optimizer/{row.run_id}", {"symbol": "MSFT"}).status_code == 200
