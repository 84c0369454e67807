"""Deploy to Live through the API."""

from typing import Any

import pytest

from livetrading.models import LiveStrategy
from strategies.models import Strategy
from tests.api.client import ApiClient
from tests.livetrading.factories import NOW
from tests.strategies.examples import a_strategy
from tradedesk.accounts.models import User

URL = "/api/v1/live-trading/quick-deploy"

pytestmark = pytest.mark.usefixtures("market")


@pytest.fixture
def strategy(alice: User) -> Strategy:
    return a_strategy(alice, "Golden cross")


def request_body(strategy: Strategy, **changes: Any) -> dict[str, Any]:
    return {"strategy_id": strategy.pk, "symbols": ["AAPL", "msft"], **changes}


def field_messages(response: Any) -> dict[str, str]:
    assert response.status == 422, response
    assert not LiveStrategy.objects.exists()
    return {problem["field"]: problem["message"] for problem in response.json["detail"]}


def test_it_deploys_with_the_defaults_of_the_contract(alices: ApiClient, strategy: Strategy) -> None:
    response = alices.post(URL, request_body(strategy))
    live = LiveStrategy.objects.get()
    assert (response.status, response.json) == (
        201,
        {
            "success": True,
            "live_strategy_id": live.pk,
            "name": "Live - Golden cross",
            "status": "active",
            "message": "“Live - Golden cross” deployed. Now monitoring AAPL, MSFT.",
        },
    )
    assert (live.symbols, live.mode, live.deployed_at) == (["AAPL", "MSFT"], "paper", NOW)
    assert (live.check_interval, live.auto_execute) == (300, True)
    assert (live.max_positions, live.position_size_pct) == (5, 0.02)
    assert (live.max_position_size, live.daily_loss_limit) == (None, None)


def test_it_deploys_with_the_limits_asked_for(alices: ApiClient, strategy: Strategy) -> None:
    limits = {
        "check_interval": 60,
        "auto_execute": False,
        "max_positions": 2,
        "position_size_pct": 0.1,
        "max_position_size": 2500.5,
        "daily_loss_limit": 300,
    }
    alices.post(URL, request_body(strategy, name="  Mine ", **limits))
    live = LiveStrategy.objects.get()
    assert live.name == "Mine"
    assert {name: getattr(live, name) for name in limits} == limits


def test_an_identical_deployment_is_409_with_the_way_to_it(alices: ApiClient, strategy: Strategy) -> None:
    first = alices.post(URL, request_body(strategy)).json["live_strategy_id"]
    again = alices.post(URL, request_body(strategy, symbols=["MSFT", "AAPL"], max_positions=3))
    assert again.status == 409
    assert again.json == {
        "detail": "“Live - Golden cross” is already active with the same settings.",
        "live_strategy_id": first,
        "url": f"/dashboard/live-trading/{first}",
    }
    assert LiveStrategy.objects.count() == 1


def test_the_same_key_deploys_once(alices: ApiClient, bobs: ApiClient, strategy: Strategy, bob: User) -> None:
    first = alices.post(URL, request_body(strategy), Idempotency_Key="of-monday")
    again = alices.post(URL, request_body(strategy), Idempotency_Key="of-monday")
    assert (again.status, again.json) == (201, first.json)
    others = bobs.post(URL, request_body(a_strategy(bob)), Idempotency_Key="of-monday")
    assert others.json["live_strategy_id"] != first.json["live_strategy_id"]
    assert LiveStrategy.objects.count() == 2


@pytest.mark.parametrize("key", ["x" * 65, "a\x0bb"])
def test_a_key_that_cannot_be_kept_is_refused(alices: ApiClient, strategy: Strategy, key: str) -> None:
    assert set(field_messages(alices.post(URL, request_body(strategy), Idempotency_Key=key))) == {
        "Idempotency-Key"
    }


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"symbols": []}, "symbols", "at least one symbol"),
        ({"symbols": ["  "]}, "symbols", "at least one symbol"),
        ({"symbols": None}, "symbols", "Send a list."),
        ({"symbols": "AAPL"}, "symbols", "Send a list."),
        ({"symbols": ["ZZZZ"]}, "symbols", "manage.py import_bars FILE --symbol ZZZZ"),
        ({"symbols": ["no symbol"]}, "symbols", "is not a symbol"),
        ({"check_interval": 59}, "check_interval", "between 60 and 3600"),
        ({"check_interval": 300.5}, "check_interval", "Send a whole number."),
        ({"max_positions": 21}, "max_positions", "between 1 and 20"),
        ({"max_positions": True}, "max_positions", "Send a whole number."),
        ({"position_size_pct": 2}, "position_size_pct", "between 0.001 and 0.5"),
        ({"position_size_pct": float("nan")}, "position_size_pct", "Send a finite number."),
        ({"daily_loss_limit": 0}, "daily_loss_limit", "between 1 and"),
        ({"max_position_size": 10**400}, "max_position_size", "Send a number."),
        ({"auto_execute": "no"}, "auto_execute", "Send true or false."),
        ({"name": "a\x00b"}, "name", "cannot be stored"),
        ({"name": "half \ud800"}, "name", "cannot be stored"),
        ({"mode": "live"}, "mode", "There is no such field."),
    ],
)
def test_a_bad_value_is_refused_at_its_field(
    alices: ApiClient, strategy: Strategy, changes: dict[str, Any], field: str, words: str
) -> None:
    found = field_messages(alices.post(URL, request_body(strategy, **changes)))
    assert len(found) == 1
    ((told, message),) = found.items()
    assert told.partition(".")[0] == field
    assert words in message


def test_symbols_must_be_named(alices: ApiClient, strategy: Strategy) -> None:
    assert field_messages(alices.post(URL, {"strategy_id": strategy.pk})) == {"symbols": "This is required."}


def test_without_a_live_account_nothing_is_deployed_live(
    alices: ApiClient, alice: User, strategy: Strategy
) -> None:
    User.objects.filter(pk=alice.pk).update(mode="live")
    assert set(field_messages(alices.post(URL, request_body(strategy)))) == {"mode"}
