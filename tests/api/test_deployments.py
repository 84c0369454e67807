"""Deploy to Live through the API."""

from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from livetrading.models import LiveStrategy
from livetrading.services.deploy import deployment_message
from strategies.models import Strategy
from tests.api.client import ApiClient
from tests.livetrading.factories import NOW
from tests.livetrading.published import refuse_publishing
from tests.strategies.examples import a_strategy
from tradedesk.accounts.models import User
from tradedesk.core.declarations import Rule, Unit
from tradedesk.core.rules import DEPLOYED_RULES, RiskRules

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


def test_a_deployment_without_rules_has_their_defaults(alices: ApiClient, strategy: Strategy) -> None:
    response = alices.post(URL, request_body(strategy))
    live = LiveStrategy.objects.get()
    assert (response.status, response.json) == (
        201,
        {
            "success": True,
            "live_strategy_id": live.pk,
            "name": "Live - Golden cross",
            "mode": "paper",
            "account_id": live.account_id,
            "status": "active",
            "message": deployment_message(live),
        },
    )
    assert (live.symbols, live.mode, live.deployed_at) == (["AAPL", "MSFT"], "paper", NOW)
    assert (live.check_interval, live.auto_execute) == (300, True)
    assert live.risk_rules() == RiskRules(position_size_pct=0.02, max_positions=5)


def test_a_client_can_name_the_mode_that_it_means(alices: ApiClient, strategy: Strategy) -> None:
    assert field_messages(alices.post(URL, request_body(strategy, mode="live"))).keys() == {"mode"}
    assert alices.post(URL, request_body(strategy, mode="paper")).status == 201


def test_a_deployment_succeeds_while_the_queue_cannot_be_reached(
    alices: ApiClient,
    strategy: Strategy,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    refuse_publishing(monkeypatch)
    with django_capture_on_commit_callbacks(execute=True) as after_commit:
        response = alices.post(URL, request_body(strategy))
    live = LiveStrategy.objects.get()
    assert (len(after_commit), response.status, response.json["live_strategy_id"]) == (1, 201, live.pk)
    assert (live.status, live.next_check_at) == ("active", NOW)


def test_a_deployment_has_the_rules_of_the_request(alices: ApiClient, strategy: Strategy) -> None:
    rules = {
        "position_size_pct": 0.1,
        "max_position_size": 2500.5,
        "max_positions": 2,
        "fractional": True,
        "stop_loss_pct": 0.05,
        "trailing_stop_pct": None,
        "trailing_stop_atr": 2.5,
        "take_profit_pct": 0.3,
        "cooldown_bars": 3,
        "signal_threshold": 0.75,
        "daily_loss_limit": 300,
        "max_drawdown_pct": 0.25,
    }
    assert rules.keys() == DEPLOYED_RULES.keys()
    settings = {"check_interval": 60, "auto_execute": False}
    response = alices.post(URL, request_body(strategy, name="  Mine ", **rules, **settings))
    live = LiveStrategy.objects.get()
    assert live.name == "Mine"
    assert live.risk_rules() == RiskRules.from_dict(rules)
    limits = alices.get(f"/api/v1/live-trading/strategies/{response.json['live_strategy_id']}").json["limits"]
    assert limits == rules | settings | {"on_leaving": "notify"}


def test_a_rule_that_is_null_is_off_or_has_its_default(alices: ApiClient, strategy: Strategy) -> None:
    assert alices.post(URL, request_body(strategy, **dict.fromkeys(DEPLOYED_RULES))).status == 201
    off = RiskRules(position_size_pct=0.02, max_positions=5, stop_loss_pct=None)
    assert LiveStrategy.objects.get().risk_rules() == off


@pytest.mark.parametrize("rule", DEPLOYED_RULES.values(), ids=lambda rule: rule.name)
def test_every_rule_has_the_bounds_of_a_deployment(alices: ApiClient, strategy: Strategy, rule: Rule) -> None:
    if rule.unit is Unit.FLAG:
        invalid: list[object] = [0, "true"]
    else:
        invalid = [rule.low - 1, rule.high + 1, True, "1"]
    for value in invalid:
        response = alices.post(URL, request_body(strategy, **{rule.name: value}))
        assert set(field_messages(response)) == {rule.name}


def test_an_identical_deployment_is_409_with_its_address(alices: ApiClient, strategy: Strategy) -> None:
    first = alices.post(URL, request_body(strategy)).json["live_strategy_id"]
    again = alices.post(URL, request_body(strategy, symbols=["MSFT", "AAPL"], max_positions=3))
    assert again.status == 409
    assert again.json == {
        "detail": again.json["detail"],
        "live_strategy_id": first,
        "url": f"/dashboard/live-trading/{first}",
    }
    assert LiveStrategy.objects.count() == 1


def test_the_same_key_deploys_once(alices: ApiClient, bobs: ApiClient, strategy: Strategy, bob: User) -> None:
    first = alices.post(URL, request_body(strategy), Idempotency_Key="monday")
    again = alices.post(URL, request_body(strategy), Idempotency_Key="monday")
    assert (again.status, again.json) == (201, first.json)
    others = bobs.post(URL, request_body(a_strategy(bob)), Idempotency_Key="monday")
    assert others.json["live_strategy_id"] != first.json["live_strategy_id"]
    assert LiveStrategy.objects.count() == 2


@pytest.mark.parametrize("key", ["x" * 65, "a\x0bb"])
def test_an_invalid_key_is_refused(alices: ApiClient, strategy: Strategy, key: str) -> None:
    assert set(field_messages(alices.post(URL, request_body(strategy), Idempotency_Key=key))) == {
        "Idempotency-Key"
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"symbols": []}, "symbols"),
        ({"symbols": ["  "]}, "symbols"),
        ({"symbols": None}, "symbols"),
        ({"symbols": "AAPL"}, "symbols"),
        ({"symbols": ["ZZZZ"]}, "symbols"),
        ({"symbols": ["no symbol"]}, "symbols"),
        ({"check_interval": 59}, "check_interval"),
        ({"check_interval": 300.5}, "check_interval"),
        ({"max_positions": 21}, "max_positions"),
        ({"max_positions": True}, "max_positions"),
        ({"position_size_pct": 2}, "position_size_pct"),
        ({"position_size_pct": float("nan")}, "position_size_pct"),
        ({"daily_loss_limit": 0}, "daily_loss_limit"),
        ({"max_position_size": 10**400}, "max_position_size"),
        ({"auto_execute": "no"}, "auto_execute"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "half \ud800"}, "name"),
        ({"mode": "live"}, "mode"),
    ],
)
def test_a_bad_value_is_refused_at_its_field(
    alices: ApiClient, strategy: Strategy, changes: dict[str, Any], field: str
) -> None:
    (refused,) = field_messages(alices.post(URL, request_body(strategy, **changes)))
    assert refused.partition(".")[0] == field


def test_symbols_are_required(alices: ApiClient, strategy: Strategy) -> None:
    assert field_messages(alices.post(URL, {"strategy_id": strategy.pk})).keys() == {"symbols"}


def test_live_mode_without_a_broker_is_refused_at_mode(alices: ApiClient, alice: User, strategy: Strategy) -> None:
    User.objects.filter(pk=alice.pk).update(mode="live")
    assert set(field_messages(alices.post(URL, request_body(strategy)))) == {"mode"}
