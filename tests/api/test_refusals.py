"""Every refusal is {"detail": ...}."""

import json

import pytest
from django.test import Client
from pytest_django import Settings

import strategies.api
from tests.api.client import ApiClient, field_messages
from tradedesk.api import UNKNOWN_ENDPOINT, HealthSchema
from tradedesk.monitoring.findings import Finding, State
from tradedesk.monitoring.health import Health, HealthReader
from tradedesk.rest.refusals import INTERNAL_ERROR

STRATEGIES = "/api/v1/strategies"
VALID = {"name": "Taken", "kind": "buy_and_hold", "symbols": ["IBM"]}


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1", "/api/v1/strategies/", "/api/v1/strategies/first", "/api/no/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_endpoint_is_404(charlies: ApiClient, method: str, path: str) -> None:
    response = charlies.send(method, path)
    assert (response.status, response.json) == (
        404,
        {"detail": UNKNOWN_ENDPOINT},
    )


@pytest.mark.parametrize("number", ["0", "99999", "9" * 30, "9" * 5000])
@pytest.mark.parametrize("noun", ["strategies", "backtests", "live-trading/strategies"])
def test_an_unknown_id_is_404(alices: ApiClient, noun: str, number: str) -> None:
    response = alices.get(f"/api/v1/{noun}/{number}")
    assert response.status == 404
    assert isinstance(response.json["detail"], str)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", STRATEGIES, "GET, POST"),
        ("PATCH", f"{STRATEGIES}/1", "DELETE, GET, PUT"),
        ("GET", "/api/v1/auth/login", "POST"),
        ("POST", "/api/paper/account", "GET"),
    ],
)
def test_a_method_that_is_not_allowed_is_405_with_the_allowed_ones(
    alices: ApiClient, method: str, path: str, allowed: str
) -> None:
    response = alices.send(method, path)
    assert (response.status, response.headers["Allow"]) == (405, allowed)
    assert allowed in response.json["detail"]


@pytest.mark.parametrize("content", ["{", "\xff", "[" * 100_000, "1" * 10_000, "nothing"])
def test_a_body_that_is_not_json_is_400(alices: ApiClient, content: str) -> None:
    response = alices.send_raw("POST", STRATEGIES, content.encode("latin-1"))
    assert (response.status, response.json.keys()) == (400, {"detail"})


@pytest.mark.parametrize("body", [None, [], "text", 3])
def test_a_body_that_is_not_an_object_is_refused(alices: ApiClient, body: object) -> None:
    response = alices.send_raw("POST", STRATEGIES, json.dumps(body) if body is not None else "")
    assert response.status == 422
    assert [problem["field"] for problem in response.json["detail"]] == [""]


def test_all_bad_fields_are_refused_together(alices: ApiClient) -> None:
    response = alices.post(
        STRATEGIES,
        {"name": 3, "symbols": ["AAPL", None], "parameters": [], "timeframe": "1\x00Day", "colour": "red"},
    )
    assert response.status == 422
    assert {problem["field"]: problem["message"] for problem in response.json["detail"]} == {
        "name": "Send a text.",
        "kind": "This is required.",
        "parameters": "Send a JSON object.",
        "symbols.1": "Send a text.",
        "timeframe": "This text has a character that cannot be stored.",
        "colour": "Unknown field.",
    }


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("initial_capital", "100000", "Send a number."),
        ("initial_capital", 1e999, "Send a finite number."),
        ("strategy_id", True, "Send a whole number."),
        ("strategy_id", 10**30, "This number is too large."),
        ("symbols", "AAPL", "Send a list."),
        ("start_date", "03.01.2005", "Write a date like 2010-01-04."),
        ("fractional", 1, "Send true or false."),
    ],
)
def test_a_wrong_type_has_a_message(alices: ApiClient, field: str, value: object, message: str) -> None:
    assert field_messages(alices.post("/api/v1/backtests", {field: value}))[field] == message


def test_a_body_that_is_too_large_is_413(alices: ApiClient, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    response = alices.post(STRATEGIES, {**VALID, "name": "x" * 200})
    assert (response.status, response.json.keys()) == (413, {"detail"})


def test_an_internal_error_is_500_and_logged(
    alices: ApiClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the code")

    monkeypatch.setattr(strategies.api, "save_strategy", broken)
    response = alices.post(STRATEGIES, VALID)
    assert (response.status, response.json) == (500, {"detail": INTERNAL_ERROR})
    assert "a secret of the code" in caplog.text


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("offset=-1", "offset"),
        (f"offset={10**30}", "offset"),
    ],
)
def test_an_invalid_page_is_refused_at_its_field(alices: ApiClient, query: str, field: str) -> None:
    response = alices.get(f"{STRATEGIES}?{query}")
    assert response.status == 422
    assert [problem["field"] for problem in response.json["detail"]] == [field]


def test_health_needs_no_user(charlies: ApiClient) -> None:
    response = charlies.get("/api/health")
    assert set(response.json) == {"status", "details", *HealthSchema.model_fields}
    # The desk of this test has no worker.
    assert (response.status, response.json["status"], response.json["broker"]) == (503, "down", "ok")
    assert response.json["worker"] != "ok"


def test_health_is_503_only_when_something_does_not_trade(
    charlies: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [part for part in HealthSchema.model_fields if part not in ("status", "details")]
    for state, status, code in (
        (State.OK, "ok", 200),
        (State.NOTE, "ok", 200),
        (State.WARNING, "degraded", 200),
        (State.ERROR, "down", 503),
    ):
        found = Health(dict.fromkeys(parts, Finding(state, "seen")))
        monkeypatch.setattr(HealthReader, "read", lambda self, now, found=found: found)
        response = charlies.get("/api/health")
        assert (response.status, response.json["status"]) == (code, status)


def test_a_response_is_utf_8_json_that_is_not_cached(alices_browser: Client) -> None:
    response = alices_browser.get(STRATEGIES)
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert response["Cache-Control"] == "no-store"
