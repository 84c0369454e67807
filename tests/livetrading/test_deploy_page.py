"""The POST of the Deploy button."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks

from livetrading.models import LiveStrategy
from livetrading.services.deploy import deployment_message
from strategies.models import Strategy
from tests.livetrading.factories import (
    WALL,
    make_backtest,
    make_strategy,
)
from tests.livetrading.published import refuse_publishing
from tests.livetrading.reading import button, form_of
from tradedesk.accounts.models import User
from tradedesk.core.rules import RiskRules
from tradedesk.marketdata.clock import market_clock
from tradedesk.marketdata.services import load_samples

URL = "/dashboard/live-trading/deploy"


@pytest.fixture(autouse=True)
def _samples(db: None) -> None:
    load_samples(WALL)


@pytest.fixture
def strategy(alice: User) -> Strategy:
    return make_strategy(user=alice, name="Golden cross", symbols=["AAPL", "MSFT"])


def test_a_press_deploys_and_redirects_to_live_trading(
    alices_browser: Client,
    alice: User,
    strategy: Strategy,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks() as after_commit:
        response = alices_browser.post(URL, {"source": f"strategy:{strategy.pk}", "deploy_key": "k"}, follow=True)
    assert response.redirect_chain == [("/dashboard/live-trading", 302)]
    text = "“Live - Golden cross” deployed. Now monitoring AAPL, MSFT."
    page = response.content.decode()
    assert f"data-toast-text>{text} Its orders use paper money. No evidence: it was deployed" in page
    assert 'data-level="warning"' in page
    assert alice.notifications.get().text == text
    assert len(after_commit) == 1  # the first check
    live = alice.live_strategies.get()
    assert (live.status, live.mode, live.auto_execute) == ("active", "paper", True)
    assert (live.check_interval, live.risk_rules()) == (
        300,
        RiskRules(position_size_pct=0.02, max_positions=5),
    )
    assert live.deployed_at == market_clock().now()


def test_a_press_deploys_while_the_queue_cannot_be_reached(
    alices_browser: Client,
    alice: User,
    strategy: Strategy,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """The check is due all the same, so beat finds it."""
    refuse_publishing(monkeypatch)
    with django_capture_on_commit_callbacks(execute=True) as after_commit:
        response = alices_browser.post(URL, {"source": f"strategy:{strategy.pk}", "deploy_key": "k"}, follow=True)
    live = alice.live_strategies.get()
    assert (len(after_commit), response.redirect_chain) == (1, [("/dashboard/live-trading", 302)])
    assert deployment_message(live) in response.content.decode()
    assert (live.status, live.next_check_at) == ("active", market_clock().now())


def test_a_backtest_is_deployed_with_its_own_rules(alices_browser: Client, alice: User) -> None:
    backtest = make_backtest(user=alice, symbols=["IBM"])
    backtest.rules["stop_loss_pct"] = 0.07
    backtest.save()
    alices_browser.post(URL, {"source": f"backtest:{backtest.pk}", "deploy_key": "k"})
    live = alice.live_strategies.get()
    assert (live.backtest, live.symbols) == (backtest, ["IBM"])
    assert live.risk_rules() == RiskRules(position_size_pct=0.475, max_positions=2, stop_loss_pct=0.07)


def test_a_double_click_deploys_once(alices_browser: Client, alice: User, strategy: Strategy) -> None:
    form = form_of(button(alice, strategy=strategy))
    responses = [alices_browser.post(URL, form, follow=True) for _ in range(2)]
    assert [response.redirect_chain for response in responses] == [[("/dashboard/live-trading", 302)]] * 2
    assert all("deployed. Now monitoring" in response.content.decode() for response in responses)
    assert alice.live_strategies.count() == 1
    assert alice.notifications.count() == 1


def test_an_identical_deployment_is_refused_with_a_link(
    alices_browser: Client, alice: User, strategy: Strategy
) -> None:
    for key in ("one", "two"):
        form = {"source": f"strategy:{strategy.pk}", "deploy_key": key}
        response = alices_browser.post(URL, form, follow=True)
    live = alice.live_strategies.get()
    page = response.content.decode()
    assert response.redirect_chain == [("/dashboard/live-trading", 302)]
    assert "“Live - Golden cross” is already active with the same settings." in page
    assert f'<a class="link-quiet" href="/dashboard/live-trading/{live.pk}">Show the deployment</a>' in page


def test_a_name_in_a_toast_is_escaped(alices_browser: Client, alice: User) -> None:
    strategy = make_strategy(user=alice, name="<img src=x>")
    for key in ("one", "two"):
        form = {"source": f"strategy:{strategy.pk}", "deploy_key": key}
        page = alices_browser.post(URL, form, follow=True).content.decode()
    assert "<img" not in page
    assert "&lt;img" in page


@pytest.mark.parametrize(
    ("symbols", "message"),
    [([], "Choose at least one symbol to trade."), (["AAPL", "NOBARS"], "NOBARS")],
)
def test_a_refusal_redirects_back_with_its_reason(
    alices_browser: Client, alice: User, symbols: list[str], message: str
) -> None:
    strategy = make_strategy(user=alice, symbols=symbols)
    form = {"source": f"strategy:{strategy.pk}", "deploy_key": "k"}
    response = alices_browser.post(URL, form)
    assert response.headers["Location"] == reverse("strategies:detail", args=[strategy.pk])
    elsewhere = alices_browser.post(URL, form, headers={"Referer": "http://testserver/dashboard/live-trading"})
    assert elsewhere.headers["Location"] == "http://testserver/dashboard/live-trading"
    foreign = alices_browser.post(URL, form, headers={"Referer": "https://elsewhere.example/"})
    assert foreign.headers["Location"] == reverse("strategies:detail", args=[strategy.pk])
    assert message in alices_browser.get("/dashboard/live-trading").content.decode()
    assert not LiveStrategy.objects.exists()


def test_live_mode_without_an_account_refuses(alices_browser: Client, alice: User, strategy: Strategy) -> None:
    alice.mode = "live"
    alice.save()
    alices_browser.post(URL, {"source": f"strategy:{strategy.pk}", "deploy_key": "k"})
    page = alices_browser.get("/dashboard/live-trading").content.decode()
    assert "toast" in page
    assert not LiveStrategy.objects.exists()


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"source": "strategy:1"},
        {"source": "strategy:x", "deploy_key": "k"},
        {"source": "user:1", "deploy_key": "k"},
        {"source": "strategy:1 or 1=1", "deploy_key": "k"},
        {"source": "strategy:1", "deploy_key": "k" * 65},
    ],
)
def test_an_invalid_form_is_a_bad_request(alices_browser: Client, form: dict[str, str]) -> None:
    assert alices_browser.post(URL, form).status_code == 400


@pytest.mark.parametrize("source", ["strategy", "backtest", "candidate"])
def test_an_unknown_source_is_not_found(alices_browser: Client, source: str) -> None:
    for number in (999, 10**18 - 1):
        form = {"source": f"{source}:{number}", "deploy_key": "k"}
        assert alices_browser.post(URL, form).status_code == 404
