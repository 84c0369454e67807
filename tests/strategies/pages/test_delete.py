from django.test import Client

from backtests.models import Backtest
from livetrading.models import LiveStrategy
from strategies.models import Strategy
from tests.strategies.examples import a_backtest, a_deployment, a_strategy, page_text
from tradedesk.accounts.models import User

LIST = "/dashboard/strategies"


def test_deleting_is_confirmed_on_its_own_page(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    a_backtest(strategy)
    deployment = a_deployment(strategy)
    a_deployment(strategy, status=LiveStrategy.Status.STOPPED)
    response = alices_browser.get(f"{LIST}/{strategy.pk}/delete")
    assert response.context["backtest_count"] == 1
    assert list(response.context["deployments"]) == [deployment]
    text = page_text(response)
    assert "Delete Tech?" in text
    assert "Live - Tech has its own copy of the rules and will keep trading." in text
    assert "1 backtest of this strategy will be kept." in text


def test_deployments_and_backtests_outlive_the_strategy(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    backtest, deployment = a_backtest(strategy), a_deployment(strategy)
    response = alices_browser.post(f"{LIST}/{strategy.pk}/delete", follow=True)
    assert response.redirect_chain == [(LIST, 302)]
    assert "Tech was deleted." in page_text(response)
    assert not Strategy.objects.exists()
    assert Backtest.objects.get().pk == backtest.pk
    live = LiveStrategy.objects.get()
    assert live.pk == deployment.pk
    assert (live.strategy, live.status, live.parameters) == (None, "active", {"fast": 5, "slow": 20})


def test_a_deleted_strategy_is_not_found(alices_browser: Client, alice: User) -> None:
    url = f"{LIST}/{a_strategy(alice).pk}/delete"
    assert alices_browser.post(url).status_code == 302
    assert alices_browser.post(url).status_code == 404
    assert alices_browser.get(url).status_code == 404
