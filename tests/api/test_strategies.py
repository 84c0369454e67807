"""Strategies through the API."""

import pytest

from strategies.kinds import kinds
from strategies.kinds.sma_crossover import SmaCrossover
from strategies.models import Strategy
from tests.api.client import ApiClient, field_messages
from tests.livetrading.factories import make_strategy
from tests.strategies.examples import a_backtest, a_deployment, a_strategy
from tradedesk.accounts.models import User

URL = "/api/v1/strategies"
CROSSOVER = {
    "name": "Golden cross",
    "kind": "sma_crossover",
    "parameters": {"fast": 20, "slow": 50},
    "symbols": ["aapl", "MSFT", "AAPL"],
    "timeframe": "1Day",
}


def test_a_strategy_is_created_and_read(alices: ApiClient, alice: User) -> None:
    response = alices.post(URL, CROSSOVER)
    strategy = alice.strategies.get()
    expected = {**CROSSOVER, "id": strategy.pk, "symbols": ["AAPL", "MSFT"]}
    assert (response.status, response.json) == (201, expected)
    assert alices.get(f"{URL}/{strategy.pk}").json == expected
    assert alices.get(URL).json == {"items": [expected], "count": 1}


def test_a_field_that_is_left_out_has_its_default(alices: ApiClient) -> None:
    response = alices.post(URL, {"name": "Plain", "kind": "rsi_mean_reversion"})
    assert response.json["parameters"] == {"period": 14, "oversold": 30.0, "overbought": 70.0, "enter_on": "touch"}
    assert (response.json["symbols"], response.json["timeframe"]) == ([], "1Day")


def test_put_replaces_all_fields(alices: ApiClient, alice: User) -> None:
    strategy = a_strategy(alice, symbols=["IBM"])
    response = alices.send("PUT", f"{URL}/{strategy.pk}", {"name": "Other", "kind": "macd"})
    assert response.status == 200
    assert response.json == {
        "id": strategy.pk,
        "name": "Other",
        "kind": "macd",
        "parameters": {"fast": 12, "slow": 26, "signal": 9},
        "symbols": [],
        "timeframe": "1Day",
    }
    assert Strategy.objects.count() == 1


def test_a_deleted_strategy_keeps_its_backtests_and_deployments(alices: ApiClient, alice: User) -> None:
    strategy = a_strategy(alice)
    backtest, live = a_backtest(strategy), a_deployment(strategy)
    response = alices.send("DELETE", f"{URL}/{strategy.pk}")
    assert (response.status, response.json) == (204, None)
    assert alices.get(f"{URL}/{strategy.pk}").status == 404
    backtest.refresh_from_db()
    live.refresh_from_db()
    assert (backtest.strategy_id, live.strategy_id, live.status) == (None, None, "active")


def test_bad_values_are_refused_at_their_fields(alices: ApiClient) -> None:
    response = alices.post(
        URL,
        {
            "name": " ",
            "kind": "sma_crossover",
            "parameters": {"fast": 1.5, "slow": "50", "medium": 30},
            "symbols": ["AAPL", "no symbol"],
            "timeframe": "2Week",
        },
    )
    messages = field_messages(response)
    assert set(messages) == {
        *("name", "symbols", "timeframe"),
        *("parameters.fast", "parameters.slow", "parameters.medium"),
    }
    assert not Strategy.objects.exists()


def test_parameters_that_do_not_fit_together_are_refused_at_parameters(alices: ApiClient) -> None:
    response = alices.post(URL, {**CROSSOVER, "parameters": {"fast": 50, "slow": 20}})
    assert set(field_messages(response)) == {"parameters"}


@pytest.mark.parametrize("fast", [True, "10", None, [10], float("nan"), float("inf"), 10**400])
def test_a_parameter_is_not_converted(alices: ApiClient, fast: object) -> None:
    assert set(field_messages(alices.post(URL, {**CROSSOVER, "parameters": {"fast": fast}}))) == {
        "parameters.fast"
    }


def test_a_refused_replacement_changes_nothing(alices: ApiClient, alice: User) -> None:
    strategy = a_strategy(alice)
    before = Strategy.objects.values().get()
    assert field_messages(alices.send("PUT", f"{URL}/{strategy.pk}", {**CROSSOVER, "kind": "magic"})).keys() == {
        "kind"
    }
    assert Strategy.objects.values().get() == before


def test_the_list_has_pages(alices: ApiClient, alice: User) -> None:
    for number in range(60):
        make_strategy(user=alice, name=f"Strategy {number:02}")
    first = alices.get(URL).json
    assert (len(first["items"]), first["count"]) == (50, 60)
    rest = alices.get(f"{URL}?limit=20&offset=50").json
    assert [item["name"] for item in rest["items"]] == [f"Strategy {number}" for number in range(50, 60)]
    assert alices.get(f"{URL}?limit=200").json["count"] == len(alices.get(f"{URL}?limit=200").json["items"]) == 60
    assert alices.get(f"{URL}?offset=1000").json == {"items": [], "count": 60}


def test_a_choice_is_sent_and_read_as_its_word(alices: ApiClient) -> None:
    body = {**CROSSOVER, "kind": "rsi_mean_reversion", "parameters": {"enter_on": "return"}}
    created = alices.send("POST", URL, body)
    assert created.json["parameters"]["enter_on"] == "return"
    assert Strategy.objects.get().parameters["enter_on"] == 1
    refused = alices.send("POST", URL, {**body, "parameters": {"enter_on": "never"}})
    assert field_messages(refused).keys() == {"parameters.enter_on"}
    found = {kind["key"]: kind for kind in alices.get(f"{URL}/kinds").json["items"]}
    choice = found["cci"]["parameters"][-1]
    assert (choice["type"], choice["default"], choice["choices"]) == ("choice", "return", ["touch", "return"])
    assert choice["search"] == {"low": "touch", "high": "return", "step": 1}


def test_the_kinds_have_their_parameters(alices: ApiClient) -> None:
    response = alices.get(f"{URL}/kinds").json
    assert {kind["key"] for kind in response["items"]} == set(kinds())
    assert response["count"] == len(kinds())
    (crossover,) = [kind for kind in response["items"] if kind["key"] == "sma_crossover"]
    assert crossover["name"] == kinds()["sma_crossover"].name
    assert crossover["parameters"][0] == {
        "name": "fast",
        "label": SmaCrossover.params()["fast"].label,
        "type": "integer",
        "default": 10,
        "low": 2,
        "high": 400,
        "step": 1,
        "search": {"low": 5, "high": 30, "step": 1},
        "help": SmaCrossover.params()["fast"].help,
        "choices": None,
    }


def test_every_kind_accepts_its_defaults(alices: ApiClient) -> None:
    for kind in alices.get(f"{URL}/kinds").json["items"]:
        defaults = {parameter["name"]: parameter["default"] for parameter in kind["parameters"]}
        response = alices.post(URL, {"name": kind["name"], "kind": kind["key"], "parameters": defaults})
        assert (response.status, response.json["parameters"]) == (201, defaults)
