from django.test import Client

from backtests.models import Backtest
from livetrading.models import LiveStrategy
from strategies.models import Strategy
from tests.strategies.examples import a_backtest, a_deployment, a_strategy, words
from tradedesk.accounts.models import User

LIST = "/dashboard/strategies"


def test_deleting_is_confirmed_on_a_page_of_its_own(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    a_backtest(strategy)
    a_deployment(strategy)
    url = f"{LIST}/{strategy.pk}/delete"
    text = words(alices_browser.get(url))
    assert "Delete Tech?" in text
    assert "Live - Tech has its own copy of the rules and goes on without this strategy." in text
    assert "1 backtest stays, with what it was run with." in text


def test_what_was_deployed_and_backtested_outlives_the_strategy(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    backtest, deployment = a_backtest(strategy), a_deployment(strategy)
    answer = alices_browser.post(f"{LIST}/{strategy.pk}/delete", follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    assert "Tech is deleted." in words(answer)
    assert not Strategy.objects.exists()
    assert Backtest.objects.get().pk == backtest.pk
    live = LiveStrategy.objects.get()
    assert live.pk == deployment.pk
    assert (live.strategy, live.status, live.parameters) == (None, "active", {"fast": 5, "slow": 20})


def test_deleting_twice_is_not_found(alices_browser: Client, alice: User) -> None:
    url = f"{LIST}/{a_strategy(alice).pk}/delete"
    assert alices_browser.post(url).status_code == 302
    assert alices_browser.post(url).status_code == 404
    assert alices_browser.get(url).status_code == 404
