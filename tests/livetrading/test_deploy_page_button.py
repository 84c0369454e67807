"""The Deploy button: what it posts, when it is disabled, and what it says instead."""

import re
from typing import Any

import pytest
from django.template import RequestContext
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries

from backtests.models import Backtest
from livetrading.models import LiveStrategy
from strategies.models import Strategy
from tests.livetrading.factories import (
    WALL,
    make_backtest,
    make_candidate,
    make_strategy,
)
from tests.livetrading.reading import button, draw, form_of
from tradedesk.accounts.models import User
from tradedesk.marketdata.services import load_samples

URL = "/dashboard/live-trading/deploy"


@pytest.fixture(autouse=True)
def _samples(db: None) -> None:
    load_samples(WALL)


@pytest.fixture
def strategy(alice: User) -> Strategy:
    return make_strategy(user=alice, name="Golden cross", symbols=["AAPL", "MSFT"])


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


def test_thirty_buttons_cost_two_queries(alice: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    strategies = [make_strategy(user=alice) for _ in range(30)]
    request = RequestFactory().get("/")
    request.user = alice
    with django_assert_num_queries(2):  # what is deployed, and the backtests whose evidence stands beside
        for strategy in strategies:
            assert "<form" in draw(RequestContext(request, {"user": alice, "strategy": strategy}))


def test_a_backtests_button_says_what_will_be_different(alice: User) -> None:
    page = button(alice, backtest=make_backtest(user=alice))
    assert "source" in form_of(page)
    assert (
        "Deploys with 2.00% of equity a position, up to 5 positions; this backtest used 47.50%, up to 2." in page
    )


@pytest.mark.parametrize("fields", [{"status": "failed"}, {"metrics": {"total_return": -1.0}}])
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


def test_a_rows_button_is_small_and_posts_the_row(alice: User, alices_browser: Client) -> None:
    candidate = make_candidate(user=alice)
    page = button(alice, candidate=candidate)
    assert form_of(page)["source"] == f"candidate:{candidate.pk}"
    assert "btn-xs" in page
    assert "disabled" not in page
    answer = alices_browser.post(URL, form_of(page), follow=True)
    assert "deployed. Now monitoring AAPL." in answer.content.decode()
    live = alice.live_strategies.get()
    assert live.candidate == candidate
    assert f'href="/dashboard/live-trading/{live.pk}"' in button(alice, candidate=candidate)


def test_a_row_that_lost_has_its_button_too(alice: User) -> None:
    assert "disabled" not in button(alice, candidate=make_candidate(user=alice, figures={"total_return": -1.0}))


def test_a_refused_row_goes_back_to_its_run(alice: User, alices_browser: Client) -> None:
    candidate = make_candidate(user=alice, kind="gone")
    answer = alices_browser.post(URL, {"source": f"candidate:{candidate.pk}", "deploy_key": "k"})
    assert answer.headers["Location"] == f"/dashboard/optimizer/{candidate.run_id}"


def test_a_deployed_row_says_where_it_came_from(alice: User, alices_browser: Client) -> None:
    candidate = make_candidate(user=alice)
    alices_browser.post(URL, form_of(button(alice, candidate=candidate)))
    live = alice.live_strategies.get()
    page = " ".join(alices_browser.get(f"/dashboard/live-trading/{live.pk}").content.decode().split())
    assert (
        f'href="/dashboard/optimizer/{candidate.run_id}?symbol=AAPL">optimizer run {candidate.run_id}</a>' in page
    )
    assert f">Optimizer run {candidate.run_id}</a>" in page
