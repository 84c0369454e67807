"""Whatever goes wrong is told as {"detail": ...}."""

import json

import pytest
from django.test import Client
from pytest_django import Settings

from tests.api.client import ApiClient

STRATEGIES = "/api/v1/strategies"
VALID = {"name": "Taken", "kind": "buy_and_hold", "symbols": ["IBM"]}


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1", "/api/v1/strategies/", "/api/v1/strategies/first", "/api/no/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_call_that_does_not_exist_is_told_as_json(charlies: ApiClient, method: str, path: str) -> None:
    response = charlies.send(method, path)
    assert (response.status, response.json) == (
        404,
        {"detail": "There is no such call. /api/docs lists all of them."},
    )


@pytest.mark.parametrize("number", ["0", "99999", "9" * 30, "9" * 5000])
@pytest.mark.parametrize("noun", ["strategies", "backtests", "live-trading/strategies"])
def test_an_unknown_id_is_told_as_json(alices: ApiClient, noun: str, number: str) -> None:
    response = alices.get(f"/api/v1/{noun}/{number}")
    assert response.status == 404
    assert response.json["detail"].startswith("There is no ")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", STRATEGIES, "GET, POST"),
        ("PATCH", f"{STRATEGIES}/1", "DELETE, GET, PUT"),
        ("GET", "/api/v1/auth/login", "POST"),
        ("POST", "/api/paper/account", "GET"),
    ],
)
def test_a_method_that_does_not_work_names_those_that_do(
    alices: ApiClient, method: str, path: str, allowed: str
) -> None:
    response = alices.send(method, path)
    assert (response.status, response.headers["Allow"]) == (405, allowed)
    assert response.json == {"detail": f"{method} does not work here. Use {allowed}."}


@pytest.mark.parametrize("content", ["{", "\xff", "[" * 100_000, "1" * 10_000, "nothing"])
def test_a_body_that_is_no_json_is_told(alices: ApiClient, content: str) -> None:
    response = alices.send_raw("POST", STRATEGIES, content.encode("latin-1"))
    assert (response.status, response.json) == (400, {"detail": "Cannot parse request body"})


@pytest.mark.parametrize("body", [None, [], "text", 3])
def test_a_body_that_is_no_object_is_told(alices: ApiClient, body: object) -> None:
    response = alices.send_raw("POST", STRATEGIES, json.dumps(body) if body is not None else "")
    assert response.status == 422
    assert [problem["field"] for problem in response.json["detail"]] == [""]


def test_every_field_is_told_at_once(alices: ApiClient) -> None:
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
        "timeframe": "This has a character that cannot be stored.",
        "colour": "There is no such field.",
    }


def test_a_body_that_is_too_large_is_told(alices: ApiClient, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    response = alices.post(STRATEGIES, {**VALID, "name": "x" * 200})
    assert (response.status, response.json) == (413, {"detail": "The request is too large."})


def test_a_mistake_of_the_desk_is_told_and_logged(
    alices: ApiClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the code")

    monkeypatch.setattr("strategies.api.save_strategy", broken)
    response = alices.post(STRATEGIES, VALID)
    assert (response.status, response.json) == (500, {"detail": "The desk made an error. Its log says where."})
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
def test_a_page_that_cannot_be_is_refused(alices: ApiClient, query: str, field: str) -> None:
    response = alices.get(f"{STRATEGIES}?{query}")
    assert response.status == 422
    assert [problem["field"] for problem in response.json["detail"]] == [field]


def test_health_needs_no_user(charlies: ApiClient) -> None:
    response = charlies.get("/api/health")
    assert set(response.json) == {"status", "database", "broker", "worker", "beat", "market"}
    # Nobody works for the desk of this test.
    assert (response.status, response.json["status"], response.json["database"]) == (503, "down", "ok")
    assert "celery -A tradedesk worker" in response.json["worker"]


def test_health_is_200_when_every_part_answers(charlies: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = dict.fromkeys(("status", "database", "broker", "worker", "beat", "market"), "ok")
    monkeypatch.setattr("tradedesk.api.health", lambda now: parts)
    response = charlies.get("/api/health")
    assert (response.status, response.json) == (200, parts)


def test_an_answer_is_json_in_utf_8_that_no_cache_keeps(alices_browser: Client) -> None:
    response = alices_browser.get(STRATEGIES)
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert response["Cache-Control"] == "no-store"
