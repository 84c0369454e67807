"""Access to every endpoint: Alice owns the objects, Bob is another user, Charlie sends no token."""

import re
from typing import Any

import pytest
from django.db.models import Model
from django.test import Client

from livetrading.models import AccountRule, PaperPosition
from tests.api.client import ApiClient
from tests.api.test_document import CONTRACT
from tests.livetrading.factories import (
    account_of,
    make_backtest,
    make_candidate,
    make_desk_rows,
    make_live_strategy,
    make_order,
    make_paper_trade,
    make_signal,
)
from tests.livetrading.made_bars import NOW, flat
from tests.strategies.examples import a_strategy
from tradedesk.accounts.api_auth import NO_CSRF
from tradedesk.accounts.models import User
from tradedesk.marketdata.models import BarSeries, PreviousVersion
from tradedesk.marketdata.series import SeriesKey, save_series
from tradedesk.rest.refusals import LOG_IN

PUBLIC = {("get", "/api/health"), ("post", "/api/v1/auth/login")}
PROTECTED = sorted(set(CONTRACT) - PUBLIC)
WITH_ID = [endpoint for endpoint in PROTECTED if "{" in endpoint[1]]
LISTS = [
    "/api/v1/strategies",
    "/api/v1/backtests",
    "/api/v1/live-trading/strategies",
    "/api/v1/live-trading/signals/recent",
    "/api/v1/live-trading/positions",
    "/api/v1/live-trading/orders",
    "/api/v1/broker-accounts",
    "/api/paper/trades",
    "/api/paper/positions",
    "/api/backtest/results",
    "/api/trades",
]
VALID = {"name": "Taken", "kind": "buy_and_hold", "symbols": ["IBM"]}
# The bodies that a POST cannot do without.
NEEDED = {"/api/v1/live-trading/positions/{position_id}/sold-outside": {"price": 31}}


@pytest.fixture
def owned(alice: User) -> dict[str, Model]:
    strategy = a_strategy(alice)
    bars = make_own_bars(alice)
    live = make_live_strategy(user=alice, strategy=strategy)
    return {
        "{series_id}": bars,
        "{version_id}": PreviousVersion.objects.get(),
        "{strategy_id}": strategy,
        "{backtest_id}": make_backtest(user=alice, strategy=strategy),
        "{live_strategy_id}": live,
        "{signal_id}": make_signal(live_strategy=live),
        "{run_id}": make_candidate(user=alice).run,
        "{position_id}": PaperPosition.objects.get(account=make_paper_trade(user=alice).account),
        "{order_id}": make_order(user=alice),
        "{account_id}": account_of(alice),
        "{rule_id}": AccountRule.objects.create(account=account_of(alice), kind="order_value", limit=1),
    }


def make_own_bars(user: User) -> BarSeries:
    """A series of this user alone, with a previous version."""
    key = SeriesKey("csv", "ACME", "1Day", user.pk)
    stored = save_series(key, flat(10), adjusted=True, stored=None, now=NOW)
    return save_series(key, flat(10, 11), adjusted=True, stored=stored, now=NOW, undoable=True)


def address(path: str, owned: dict[str, Any]) -> str:
    for name, row in owned.items():
        path = path.replace(name, str(row.pk))
    return path


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_every_endpoint_but_the_public_ones_requires_a_user(charlies: ApiClient, method: str, path: str) -> None:
    path = re.sub(r"\{\w+\}", "1", path)
    response = charlies.send(method.upper(), path, {})
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert response.json == {"detail": LOG_IN}


@pytest.mark.parametrize(("method", "path"), WITH_ID)
def test_an_object_of_another_user_is_404(bobs: ApiClient, owned: dict[str, Any], method: str, path: str) -> None:
    before = [type(row)._default_manager.values().get(pk=row.pk) for row in owned.values()]
    body = {"limit": 1} if "{rule_id}" in path else VALID
    response = bobs.send(method.upper(), address(path, owned), body if method == "put" else NEEDED.get(path, {}))
    assert response.status == 404
    noun, number = response.json["detail"].removeprefix("There is no ").rstrip(".").rsplit(" ", 1)
    assert noun in {owned[name]._meta.verbose_name for name in owned}
    assert number in address(path, owned)
    assert [type(row)._default_manager.values().get(pk=row.pk) for row in owned.values()] == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/backtests", {"start_date": "2005-01-03", "end_date": "2010-12-31", "initial_capital": 1000}),
        ("/api/v1/live-trading/quick-deploy", {"symbols": ["AAPL"]}),
        ("/api/v1/live-trading/strategies", {}),
    ],
)
def test_a_strategy_of_another_user_is_404(
    bobs: ApiClient, owned: dict[str, Any], path: str, body: dict[str, Any]
) -> None:
    strategy = owned["{strategy_id}"]
    response = bobs.post(path, {"strategy_id": strategy.pk, **body})
    assert (response.status, response.json) == (404, {"detail": f"There is no strategy {strategy.pk}."})


@pytest.mark.parametrize("path", LISTS)
def test_a_list_has_only_the_objects_of_the_user(
    alices: ApiClient, bobs: ApiClient, alice: User, market: None, path: str
) -> None:
    make_desk_rows(alice, 2)
    assert alices.get(path).json["count"] > 0
    assert bobs.get(path).json == {"items": [], "count": 0}


def test_dashboard_and_paper_account_are_of_the_user(
    alices: ApiClient, bobs: ApiClient, alice: User, market: None
) -> None:
    make_desk_rows(alice, 2)
    dashboard, account = "/api/v1/live-trading/dashboard", "/api/paper/account"
    assert alices.get(dashboard).json["active_strategies"] == 2
    assert bobs.get(dashboard).json["active_strategies"] == 0
    assert alices.get(account).json["market_value"] > 0
    assert bobs.get(account).json["market_value"] == 0


def test_a_browser_session_reads(alices_browser: Client) -> None:
    assert alices_browser.get("/api/v1/strategies").json() == {"items": [], "count": 0}


def test_a_browser_session_writes_only_with_the_csrf_token(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    url = "/api/v1/strategies"
    without = browser.post(url, VALID, content_type="application/json")
    assert without.status_code == 403
    assert without.json() == {"detail": NO_CSRF}
    browser.get("/api/docs")
    token = browser.cookies["csrftoken"].value
    response = browser.post(url, VALID, content_type="application/json", headers={"X-CSRFToken": token})
    assert response.status_code == 201


def test_without_a_user_the_status_is_401_and_not_403(charlies: ApiClient) -> None:
    assert charlies.post("/api/v1/strategies", VALID).status == 401


def test_a_session_does_not_replace_an_invalid_token(alices_browser: Client) -> None:
    response = alices_browser.get("/api/v1/strategies", headers={"Authorization": "Bearer invalid"})
    assert response.status_code == 401
