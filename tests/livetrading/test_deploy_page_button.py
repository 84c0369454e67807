"""The Deploy button: what it posts, when it is disabled, and which rules it changes."""

import re
from typing import Any

import pytest
from django.db import connection
from django.template import RequestContext
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from backtests.models import Backtest, Candidate
from livetrading.models import LiveStrategy
from livetrading.summaries.deploy_button import changed_rules
from strategies.models import Strategy
from tests.livetrading.factories import (
    WALL,
    account_of,
    make_backtest,
    make_candidate,
    make_strategy,
)
from tests.livetrading.reading import button, draw, form_of
from tradedesk.accounts.models import User
from tradedesk.core.rules import RiskRules
from tradedesk.marketdata.services import load_samples

URL = "/dashboard/live-trading/deploy"


@pytest.fixture(autouse=True)
def _samples(db: None) -> None:
    load_samples(WALL)


@pytest.fixture
def strategy(alice: User) -> Strategy:
    return make_strategy(user=alice, name="Golden cross", symbols=["AAPL", "MSFT"])


def test_the_button_posts_its_strategy_with_a_unique_key(alice: User, strategy: Strategy) -> None:
    first, second = button(alice, strategy=strategy), button(alice, strategy=strategy)
    assert f'<form method="post" action="{URL}"' in first
    assert "data-submit-once" in first
    assert "disabled" not in first
    assert form_of(first)["source"] == f"strategy:{strategy.pk}"
    assert re.fullmatch(r"[0-9a-f]{32}", form_of(first)["deploy_key"])
    assert form_of(first)["deploy_key"] != form_of(second)["deploy_key"]


@pytest.mark.parametrize(("mode", "label"), [("paper", "PAPER"), ("live", "LIVE")])
def test_the_button_shows_the_mode(alice: User, strategy: Strategy, mode: str, label: str) -> None:
    alice.mode = mode
    assert f"Deploy to Live · {label}" in button(alice, strategy=strategy)


def test_without_symbols_the_button_is_disabled_with_a_hint(alice: User) -> None:
    page = button(alice, strategy=make_strategy(user=alice, symbols=[]))
    assert "disabled" in page
    assert re.search(r'disabled title="[^"]+"', page)


def test_a_deployed_strategy_has_a_link_to_its_deployment(
    alice: User, strategy: Strategy, alices_browser: Client
) -> None:
    alices_browser.post(URL, form_of(button(alice, strategy=strategy)))
    live = alice.live_strategies.get()
    page = button(alice, strategy=strategy)
    assert f'href="/dashboard/live-trading/{live.pk}"' in page
    assert "Deployed" in page
    assert "<form" not in page
    changed = make_strategy(user=alice, name=strategy.name)
    assert "<form" in button(alice, strategy=changed)


@pytest.mark.parametrize("change", ["paused", "stopped", "other mode"])
def test_only_active_deployments_in_this_mode_count(
    alice: User, strategy: Strategy, alices_browser: Client, change: str
) -> None:
    alices_browser.post(URL, form_of(button(alice, strategy=strategy)))
    if change == "other mode":
        LiveStrategy.objects.update(account=account_of(alice, "live"))
    else:
        LiveStrategy.objects.update(status=change)
    assert "<form" in button(alice, strategy=strategy)


def test_the_deployment_of_another_user_does_not_count(alice: User, bob: User, strategy: Strategy) -> None:
    own = button(alice, strategy=strategy)
    assert "<form" in own
    client = Client()
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.post(URL, form_of(own))
    assert "<form" in button(bob, strategy=strategy)


def test_thirty_buttons_of_strategies_take_three_queries(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    strategies = [make_strategy(user=alice) for _ in range(30)]
    request = RequestFactory().get("/")
    request.user = alice
    with django_assert_num_queries(3):  # the active deployments and account, and the latest backtests
        for strategy in strategies:
            assert "<form" in draw(RequestContext(request, {"user": alice, "strategy": strategy}))


def test_the_button_of_a_backtest_shows_the_rules_that_change(alice: User) -> None:
    page = button(alice, backtest=make_backtest(user=alice))
    assert "source" in form_of(page)
    assert "Position size 2.00% (tested 47.50%), Max positions 5 (tested 2)." in page
    rules = RiskRules(position_size_pct=0.9, stop_loss_pct=0.03, daily_loss_limit=500.0)
    page = button(alice, backtest=make_backtest(user=alice, symbols=["AAPL"], rules=rules.as_dict()))
    assert "Position size 50.00% (tested 90.00%)." in page


def test_the_button_of_a_backtest_without_changes_shows_none(alice: User) -> None:
    rules = RiskRules(position_size_pct=0.1, max_positions=4, daily_loss_limit=500.0, max_position_size=5_000.0)
    page = button(alice, backtest=make_backtest(user=alice, rules=rules.as_dict()))
    assert "(tested" not in page


def test_a_candidate_lists_the_rules_that_change(alice: User) -> None:
    candidate = make_candidate(user=alice, run={"rules": {"stop_loss_pct": 0.03}})
    tested = candidate.run.rules_on(candidate.universe).as_dict()
    assert [(each.rule.name, each.deployed, each.tested) for each in changed_rules(candidate, tested)] == [
        ("position_size_pct", 0.02, 0.95),
        ("max_positions", 5, 1),
    ]
    chosen = make_candidate(user=alice, run={"rules": {"position_size_pct": 0.1, "max_positions": 3}})
    assert changed_rules(chosen, chosen.run.rules_on(chosen.universe).as_dict()) == []


@pytest.mark.parametrize("source", ["backtest", "candidate"])
def test_the_queries_do_not_grow_with_the_buttons(
    alice: User, source: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    strategy = make_strategy(user=alice)
    for _ in range(30):
        if source == "candidate":
            make_candidate(user=alice, strategy=strategy)
        else:
            make_backtest(user=alice, strategy=strategy)
    rows = (
        Candidate.objects.select_related("run", "strategy")
        if source == "candidate"
        else Backtest.objects.select_related("strategy")
    )
    request = RequestFactory().get("/")
    request.user = alice
    sources = list(rows)
    with django_assert_num_queries(2):  # the active deployments and account
        for each in sources:
            context = {"user": alice, source: each, "hide_evidence": True}
            assert form_of(draw(RequestContext(request, context)))["source"] == f"{source}:{each.pk}"


@pytest.mark.parametrize("fields", [{"status": "failed"}, {"metrics": {"total_return": -0.01}}])
def test_a_backtest_without_a_profit_cannot_be_deployed(alice: User, fields: dict[str, Any]) -> None:
    page = button(alice, backtest=make_backtest(user=alice, **fields))
    assert re.search(r'disabled title="[^"]+"', page)
    assert "(tested" not in page


def test_a_backtest_takes_precedence_over_a_strategy(
    alice: User, strategy: Strategy, alices_browser: Client
) -> None:
    backtest: Backtest = make_backtest(user=alice, strategy=strategy, symbols=["IBM"])
    assert form_of(button(alice, strategy=strategy, backtest=backtest))["source"] == f"backtest:{backtest.pk}"
    assert form_of(button(alice, strategy=strategy, backtest=None))["source"] == f"strategy:{strategy.pk}"
    alices_browser.post(URL, form_of(button(alice, strategy=strategy)))
    assert "<form" not in button(alice, strategy=strategy)
    assert "<form" in button(alice, strategy=strategy, backtest=backtest)


def test_the_button_of_a_candidate_is_small_and_posts_the_candidate(alice: User, alices_browser: Client) -> None:
    candidate = make_candidate(user=alice)
    page = button(alice, candidate=candidate, small=True)
    assert form_of(page)["source"] == f"candidate:{candidate.pk}"
    assert "btn-xs" in page
    assert "disabled" not in page
    response = alices_browser.post(URL, form_of(page), follow=True)
    assert "deployed. Now monitoring AAPL." in response.content.decode()
    live = alice.live_strategies.get()
    assert live.candidate == candidate
    assert f'href="/dashboard/live-trading/{live.pk}"' in button(alice, candidate=candidate)


def test_a_candidate_with_a_loss_can_be_deployed(alice: User) -> None:
    assert "disabled" not in button(alice, candidate=make_candidate(user=alice, figures={"total_return": -0.01}))


def test_a_refused_candidate_redirects_to_its_run(alice: User, alices_browser: Client) -> None:
    candidate = make_candidate(user=alice, kind="deleted")
    response = alices_browser.post(URL, {"source": f"candidate:{candidate.pk}", "deploy_key": "k"})
    assert response.headers["Location"] == f"/dashboard/optimizer/{candidate.run_id}"


def test_the_page_of_a_deployed_candidate_links_to_its_run(alice: User, alices_browser: Client) -> None:
    candidate = make_candidate(user=alice)
    alices_browser.post(URL, form_of(button(alice, candidate=candidate)))
    live = alice.live_strategies.get()
    page = " ".join(alices_browser.get(f"/dashboard/live-trading/{live.pk}").content.decode().split())
    assert (
        f'href="/dashboard/optimizer/{candidate.run_id}?symbol=AAPL">optimizer run {candidate.run_id}</a>' in page
    )
    assert f">Optimizer run {candidate.run_id}</a>" in page


def test_the_queries_do_not_grow_with_the_evidence(alice: User, bob: User) -> None:
    counts = []
    for user, number in ((alice, 2), (bob, 20)):
        strategies = [make_strategy(user=user) for _ in range(number)]
        for strategy in strategies:
            make_backtest(user=user, strategy=strategy)
        request = RequestFactory().get("/")
        request.user = user
        with CaptureQueriesContext(connection) as queries:
            for strategy in strategies:
                page = draw(RequestContext(request, {"user": user, "strategy": strategy}))
                assert "tested with 47.50%" in page
        counts.append(len(queries))
    assert counts[0] == counts[1]
