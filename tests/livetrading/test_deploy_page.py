"""The Deploy button and what a press of it does; start, pause and stop."""

import json
import re
from typing import Any

import pytest
from django.template import Context, RequestContext, Template
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from backtests.models import Backtest
from livetrading.models import LiveStrategy
from strategies.models import Strategy
from tests.livetrading.factories import (
    WALL,
    make_backtest,
    make_live_strategy,
    make_strategy,
)
from tradedesk.accounts.models import User
from tradedesk.marketdata.clock import market_clock
from tradedesk.marketdata.services import load_samples

URL = "/dashboard/live-trading/deploy"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _samples(db: None) -> None:
    load_samples(WALL)


@pytest.fixture
def strategy(alice: User) -> Strategy:
    return make_strategy(user=alice, name="Golden cross", symbols=["AAPL", "MSFT"])


def button(user: User, **source: Any) -> str:
    """The fragment, as a page of the user's includes it."""
    request = RequestFactory().get("/")
    request.user = user
    return draw(RequestContext(request, {"user": user, **source}))


def draw(context: Context) -> str:
    page = Template('{% include "livetrading/_deploy_button.html" %}').render(context)
    return " ".join(re.sub(r"<[^>]*>", lambda tag: " ".join(tag[0].split()), page).split())


def form_of(page: str) -> dict[str, str]:
    return {name: re.findall(rf'name="{name}" value="([^"]*)"', page)[0] for name in ("source", "deploy_key")}


# --- The button ------------------------------------------------------------------------------------------


def test_the_button_posts_its_strategy_with_a_key_of_its_own(alice: User, strategy: Strategy) -> None:
    first, second = button(alice, strategy=strategy), button(alice, strategy=strategy)
    assert f'<form method="post" action="{URL}"' in first
    assert "data-submit-once" in first
    assert "disabled" not in first
    assert form_of(first)["source"] == f"strategy:{strategy.pk}"
    assert re.fullmatch(r"[0-9a-f]{32}", form_of(first)["deploy_key"])
    assert form_of(first)["deploy_key"] != form_of(second)["deploy_key"]


@pytest.mark.parametrize(("mode", "label"), [("paper", "PAPER"), ("live", "LIVE")])
def test_the_button_carries_the_mode(alice: User, strategy: Strategy, mode: str, label: str) -> None:
    alice.mode = mode
    assert f"Deploy to Live · {label}" in button(alice, strategy=strategy)


def test_without_symbols_it_is_disabled_and_says_why(alice: User) -> None:
    page = button(alice, strategy=make_strategy(user=alice, symbols=[]))
    assert "disabled" in page
    assert ">Add symbols first<" in page


def test_a_deployed_strategy_says_so(alice: User, strategy: Strategy, alices_browser: Client) -> None:
    alices_browser.post(URL, form_of(button(alice, strategy=strategy)))
    live = alice.live_strategies.get()
    page = button(alice, strategy=strategy)
    assert f'href="/dashboard/live-trading/{live.pk}"' in page
    assert "Deployed" in page
    assert "<form" not in page
    changed = make_strategy(user=alice, name=strategy.name)
    assert "<form" in button(alice, strategy=changed)


@pytest.mark.parametrize("change", [{"status": "paused"}, {"status": "stopped"}, {"mode": "live"}])
def test_only_what_is_active_in_this_mode_counts_as_deployed(
    alice: User, strategy: Strategy, alices_browser: Client, change: dict[str, str]
) -> None:
    alices_browser.post(URL, form_of(button(alice, strategy=strategy)))
    LiveStrategy.objects.update(**change)
    assert "<form" in button(alice, strategy=strategy)


def test_anothers_deployment_does_not_count(alice: User, bob: User, strategy: Strategy) -> None:
    own = button(alice, strategy=strategy)
    assert "<form" in own
    client = Client()
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.post(URL, form_of(own))
    assert "<form" in button(bob, strategy=strategy)


def test_thirty_buttons_cost_one_query(alice: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    strategies = [make_strategy(user=alice) for _ in range(30)]
    request = RequestFactory().get("/")
    request.user = alice
    with django_assert_num_queries(1):
        for strategy in strategies:
            assert "<form" in draw(RequestContext(request, {"user": alice, "strategy": strategy}))


def test_a_backtests_button_says_what_will_be_different(alice: User) -> None:
    page = button(alice, backtest=make_backtest(user=alice))
    assert "source" in form_of(page)
    assert (
        "Deploys with 2.00% of equity a position, up to 5 positions; this backtest used 47.50%, up to 2." in page
    )


@pytest.mark.parametrize("fields", [{"status": "failed"}, {"metrics": {"total_return_pct": -1.0}}])
def test_a_backtest_that_gained_nothing_cannot_be_deployed(alice: User, fields: dict[str, Any]) -> None:
    page = button(alice, backtest=make_backtest(user=alice, **fields))
    assert "disabled" in page
    assert "Only a completed backtest that gained can be deployed" in page


def test_where_both_are_in_reach_the_backtest_is_meant(
    alice: User, strategy: Strategy, alices_browser: Client
) -> None:
    backtest: Backtest = make_backtest(user=alice, strategy=strategy, symbols=["IBM"])
    assert form_of(button(alice, strategy=strategy, backtest=backtest))["source"] == f"backtest:{backtest.pk}"
    assert form_of(button(alice, strategy=strategy, backtest=None))["source"] == f"strategy:{strategy.pk}"
    alices_browser.post(URL, form_of(button(alice, strategy=strategy)))
    assert "<form" not in button(alice, strategy=strategy)
    assert "<form" in button(alice, strategy=strategy, backtest=backtest)


# --- Deploying -------------------------------------------------------------------------------------------


def test_a_press_deploys_and_lands_on_live_trading(
    alices_browser: Client,
    alice: User,
    strategy: Strategy,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks() as after_commit:
        answer = alices_browser.post(URL, {"source": f"strategy:{strategy.pk}", "deploy_key": "k"}, follow=True)
    assert answer.redirect_chain == [("/dashboard/live-trading", 302)]
    text = "“Live - Golden cross” deployed. Now monitoring AAPL, MSFT."
    assert f"data-toast-text>{text}</p>" in answer.content.decode()
    assert alice.notifications.get().text == text
    assert len(after_commit) == 1  # the first check
    live = alice.live_strategies.get()
    assert (live.status, live.mode, live.auto_execute) == ("active", "paper", True)
    assert (live.check_interval, live.max_positions, live.position_size_pct) == (300, 5, 0.02)
    assert live.deployed_at == market_clock().now()


def test_a_backtest_is_deployed_with_its_own_rules(alices_browser: Client, alice: User) -> None:
    backtest = make_backtest(user=alice, symbols=["IBM"])
    backtest.rules["stop_loss_pct"] = 0.07
    backtest.save()
    alices_browser.post(URL, {"source": f"backtest:{backtest.pk}", "deploy_key": "k"})
    live = alice.live_strategies.get()
    assert (live.backtest, live.symbols, live.stop_loss_pct) == (backtest, ["IBM"], 0.07)
    assert (live.position_size_pct, live.max_positions) == (0.02, 5)


def test_a_double_click_deploys_once(alices_browser: Client, alice: User, strategy: Strategy) -> None:
    form = form_of(button(alice, strategy=strategy))
    answers = [alices_browser.post(URL, form, follow=True) for _ in range(2)]
    assert [answer.redirect_chain for answer in answers] == [[("/dashboard/live-trading", 302)]] * 2
    assert all("deployed. Now monitoring" in answer.content.decode() for answer in answers)
    assert alice.live_strategies.count() == 1
    assert alice.notifications.count() == 1


def test_the_same_again_answers_with_a_link(alices_browser: Client, alice: User, strategy: Strategy) -> None:
    for key in ("one", "two"):
        form = {"source": f"strategy:{strategy.pk}", "deploy_key": key}
        answer = alices_browser.post(URL, form, follow=True)
    live = alice.live_strategies.get()
    page = answer.content.decode()
    assert answer.redirect_chain == [("/dashboard/live-trading", 302)]
    assert "“Live - Golden cross” is already active with the same settings." in page
    assert f'<a class="link-quiet" href="/dashboard/live-trading/{live.pk}">Show it</a>' in page


def test_a_name_in_a_toast_is_escaped(alices_browser: Client, alice: User) -> None:
    strategy = make_strategy(user=alice, name="<img src=x>")
    for key in ("one", "two"):
        form = {"source": f"strategy:{strategy.pk}", "deploy_key": key}
        page = alices_browser.post(URL, form, follow=True).content.decode()
    assert "<img" not in page
    assert "&lt;img" in page


@pytest.mark.parametrize(
    ("symbols", "message"),
    [([], "Choose at least one symbol to trade."), (["AAPL", "GONE"], "No 1Day bars for GONE. Import them")],
)
def test_a_refusal_goes_back_with_its_reason(
    alices_browser: Client, alice: User, symbols: list[str], message: str
) -> None:
    strategy = make_strategy(user=alice, symbols=symbols)
    form = {"source": f"strategy:{strategy.pk}", "deploy_key": "k"}
    answer = alices_browser.post(URL, form)
    assert answer.headers["Location"] == reverse("strategies:detail", args=[strategy.pk])
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
    assert "No live broker account is connected" in page
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
def test_what_no_button_posts_is_a_bad_request(alices_browser: Client, form: dict[str, str]) -> None:
    assert alices_browser.post(URL, form).status_code == 400


@pytest.mark.parametrize("source", ["strategy", "backtest"])
def test_what_does_not_exist_is_not_found(alices_browser: Client, source: str) -> None:
    for number in (999, 10**18 - 1):
        form = {"source": f"{source}:{number}", "deploy_key": "k"}
        assert alices_browser.post(URL, form).status_code == 404


# --- Start, pause, stop ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [
        ("active", "pause", "paused"),
        ("active", "stop", "stopped"),
        ("paused", "start", "active"),
        ("paused", "stop", "stopped"),
        ("stopped", "start", "active"),
    ],
)
def test_htmx_gets_the_row_as_it_is_now(
    alices_browser: Client, alice: User, before: str, action: str, after: str
) -> None:
    live = make_live_strategy(user=alice, name="Turtle", status=before)
    answer = alices_browser.post(reverse(f"livetrading:{action}", args=[live.pk]), headers=HTMX)
    page = answer.content.decode()
    assert page.count("<tr") == 1
    assert f'id="live-strategy-{live.pk}"' in page
    assert f">{after.capitalize()}</span>" in page
    toast = json.loads(answer.headers["HX-Trigger"])["toast"]
    assert toast == {"level": "success", "text": f"“Turtle” is {after}."}
    live.refresh_from_db()
    assert live.status == after


def test_without_htmx_it_goes_back_to_the_page(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice, name="Turtle")
    answer = alices_browser.post(reverse("livetrading:pause", args=[live.pk]), follow=True)
    assert answer.redirect_chain == [(f"/dashboard/live-trading/{live.pk}", 302)]
    assert "“Turtle” is paused." in answer.content.decode()


def test_what_is_so_already_is_said(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice, name="Turtle", status="paused")
    answer = alices_browser.post(reverse("livetrading:pause", args=[live.pk]), headers=HTMX)
    toast = json.loads(answer.headers["HX-Trigger"])["toast"]
    assert toast == {"level": "warning", "text": "“Turtle” is paused already."}


def test_a_second_start_of_the_same_deployment_is_refused(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice, name="Turtle", status="paused")
    make_live_strategy(user=alice, fingerprint=live.fingerprint)
    answer = alices_browser.post(reverse("livetrading:start", args=[live.pk]), headers=HTMX)
    assert "already active in another deployment" in json.loads(answer.headers["HX-Trigger"])["toast"]["text"]
    live.refresh_from_db()
    assert live.status == "paused"


def test_a_page_offers_what_fits_the_state(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice)
    expected = {"active": {"pause", "stop"}, "paused": {"start", "stop"}, "stopped": {"start"}}
    for status, actions in expected.items():
        LiveStrategy.objects.update(status=status)
        for url in ("/dashboard/live-trading", f"/dashboard/live-trading/{live.pk}"):
            page = alices_browser.get(url).content.decode()
            found = set(re.findall(rf'action="/dashboard/live-trading/{live.pk}/(\w+)"', page))
            assert found == actions
