from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from livetrading.models import LiveStrategy
from strategies.models import Strategy
from tests.strategies.examples import a_backtest, a_deployment, a_strategy, words
from tradedesk.accounts.models import User

LIST = "/dashboard/strategies"
HTMX = {"HX-Request": "true"}


def test_the_page_of_a_strategy_explains_its_rules(alices_browser: Client, alice: User, samples: None) -> None:
    strategy = a_strategy(alice, symbols=["AAPL", "TSLA"])
    text = words(alices_browser.get(f"{LIST}/{strategy.pk}"))
    assert "moving average" in text
    assert "Needs 21 bars before its first decision" in text
    assert "Fast average 5 2 to 400 Bars in the fast average." in text
    assert "AAPL 2000-03-01 2013-03-01 3,270 sample" in text
    assert "TSLA No bars" in text
    assert "Not backtested yet" in text
    assert "Not deployed" in text


def test_a_strategy_without_symbols_asks_for_some(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice, symbols=[])
    answer = alices_browser.get(f"{LIST}/{strategy.pk}")
    assert "No symbols" in words(answer)
    assert f'href="{LIST}/{strategy.pk}/edit"' in answer.content.decode()


def test_it_lists_the_last_ten_backtests(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    oldest, *latest = [a_backtest(strategy) for _ in range(11)]
    a_backtest(a_strategy(alice, "Another"))
    answer = alices_browser.get(f"{LIST}/{strategy.pk}")
    assert [backtest.pk for backtest in answer.context["backtests"]] == [b.pk for b in reversed(latest)]
    assert f'id="backtest-{oldest.pk}"' not in answer.content.decode()
    assert "10 of 11, see all" in words(answer)
    assert "2005-01-03 to 2012-03-05 +34.21% — 1.02 23.40% 88 fast 5, slow 20 Completed" in words(answer)


def test_it_lists_its_deployments(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    a_deployment(strategy, status=LiveStrategy.Status.STOPPED, parameters={"fast": 9, "slow": 30})
    text = words(alices_browser.get(f"{LIST}/{strategy.pk}"))
    assert "Live - Tech PAPER Stopped fast 9, slow 30 AAPL 2012-03-05 16:00" in text


def test_the_activity_refreshes_itself_alone(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    a_backtest(strategy)
    fragment = alices_browser.get(f"{LIST}/{strategy.pk}", headers=HTMX).content.decode()
    assert fragment.strip().startswith('<div id="activity"')
    assert "+34.21%" in fragment
    assert "<html" not in fragment


def test_more_activity_takes_no_more_queries(alices_browser: Client, alice: User) -> None:
    quiet, busy = a_strategy(alice, "Quiet"), a_strategy(alice, "Busy", symbols=[f"S{n}" for n in range(50)])
    for _ in range(12):
        a_backtest(busy)
        a_deployment(busy)
    alices_browser.get(f"{LIST}/{quiet.pk}")
    with CaptureQueriesContext(connection) as few:
        alices_browser.get(f"{LIST}/{quiet.pk}")
    with CaptureQueriesContext(connection) as many:
        alices_browser.get(f"{LIST}/{busy.pk}")
    assert len(few) == len(many)


def test_a_strategy_that_no_longer_fits_its_kind_says_so(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    Strategy.objects.update(parameters={"fast": 50, "slow": 20})
    text = words(alices_browser.get(f"{LIST}/{strategy.pk}"))
    assert "must be shorter than" in text
    assert "cannot trade or be backtested until it is edited" in text
