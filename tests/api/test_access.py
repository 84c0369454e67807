"""Every call: Alice owns the objects, Bob is another user, Charlie sends no token."""

import re
from typing import Any

import pytest
from django.test import Client

from backtests.models import Backtest, OptimizerRun
from livetrading.models import LiveStrategy
from strategies.models import Strategy
from tests.api.caller import Caller
from tests.api.test_document import CONTRACT
from tests.livetrading.factories import make_backtest, make_candidate, make_live_strategy, watched_desk
from tests.strategies.examples import a_strategy
from tradedesk.accounts.models import User

OPEN = {("get", "/api/health"), ("post", "/api/v1/auth/login")}
CLOSED = sorted(set(CONTRACT) - OPEN)
OF_ONE = [call for call in CLOSED if "{" in call[1]]
LISTS = [
    "/api/v1/strategies",
    "/api/v1/backtests",
    "/api/v1/live-trading/strategies",
    "/api/v1/live-trading/signals/recent",
    "/api/v1/live-trading/positions",
    "/api/paper/trades",
    "/api/paper/positions",
]
VALID = {"name": "Taken", "kind": "buy_and_hold", "symbols": ["IBM"]}


@pytest.fixture
def owned(alice: User) -> dict[str, Strategy | Backtest | LiveStrategy | OptimizerRun]:
    strategy = a_strategy(alice)
    return {
        "{strategy_id}": strategy,
        "{backtest_id}": make_backtest(user=alice, strategy=strategy),
        "{live_strategy_id}": make_live_strategy(user=alice, strategy=strategy),
        "{run_id}": make_candidate(user=alice).run,
    }


def address(path: str, owned: dict[str, Any]) -> str:
    for name, row in owned.items():
        path = path.replace(name, str(row.pk))
    return path


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_nobody_gets_in_without_a_user(charlies: Caller, method: str, path: str) -> None:
    path = re.sub(r"\{\w+\}", "1", path)
    answer = charlies.call(method.upper(), path, {})
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "POST /api/v1/auth/login" in answer.json["detail"]


@pytest.mark.parametrize(("method", "path"), OF_ONE)
def test_what_is_another_users_does_not_exist(bobs: Caller, owned: dict[str, Any], method: str, path: str) -> None:
    before = [type(row).objects.values().get(pk=row.pk) for row in owned.values()]
    answer = bobs.call(method.upper(), address(path, owned), VALID)
    assert answer.status == 404
    noun, number = answer.json["detail"].removeprefix("There is no ").rstrip(".").rsplit(" ", 1)
    assert noun in ("strategy", "backtest", "live strategy", "optimizer run")
    assert number in address(path, owned)
    assert [type(row).objects.values().get(pk=row.pk) for row in owned.values()] == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/backtests", {"start_date": "2005-01-03", "end_date": "2010-12-31", "initial_capital": 1000}),
        ("/api/v1/live-trading/quick-deploy", {"symbols": ["AAPL"]}),
    ],
)
def test_anothers_strategy_is_neither_tested_nor_deployed(
    bobs: Caller, owned: dict[str, Any], path: str, body: dict[str, Any]
) -> None:
    strategy = owned["{strategy_id}"]
    answer = bobs.post(path, {"strategy_id": strategy.pk, **body})
    assert (answer.status, answer.json) == (404, {"detail": f"There is no strategy {strategy.pk}."})


@pytest.mark.parametrize("path", LISTS)
def test_a_list_holds_the_users_own(alices: Caller, bobs: Caller, alice: User, market: None, path: str) -> None:
    watched_desk(alice, 2)
    assert alices.get(path).json["count"] > 0
    assert bobs.get(path).json == {"items": [], "count": 0}


def test_the_figures_are_the_users_own(alices: Caller, bobs: Caller, alice: User, market: None) -> None:
    watched_desk(alice, 2)
    dashboard, account = "/api/v1/live-trading/dashboard", "/api/paper/account"
    assert alices.get(dashboard).json["active_strategies"] == 2
    assert bobs.get(dashboard).json["active_strategies"] == 0
    assert alices.get(account).json["market_value"] > 0
    assert bobs.get(account).json["market_value"] == 0


def test_a_browser_session_reads(alices_browser: Client) -> None:
    assert alices_browser.get("/api/v1/strategies").json() == {"items": [], "count": 0}


def test_a_browser_session_writes_with_the_csrf_token_alone(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    url = "/api/v1/strategies"
    without = browser.post(url, VALID, content_type="application/json")
    assert without.status_code == 403
    assert "X-CSRFToken" in without.json()["detail"]
    browser.get("/api/docs")
    token = browser.cookies["csrftoken"].value
    answer = browser.post(url, VALID, content_type="application/json", headers={"X-CSRFToken": token})
    assert answer.status_code == 201


def test_who_has_no_user_is_not_asked_for_a_csrf_token(charlies: Caller) -> None:
    assert charlies.post("/api/v1/strategies", VALID).status == 401


def test_a_session_does_not_replace_a_wrong_token(alices_browser: Client) -> None:
    answer = alices_browser.get("/api/v1/strategies", headers={"Authorization": "Bearer of-somebody"})
    assert answer.status_code == 401
