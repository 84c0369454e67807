"""Whatever goes wrong is told as {"detail": ...}."""

import json

import pytest
from django.test import Client
from pytest_django import Settings

from tests.api.caller import Caller

STRATEGIES = "/api/v1/strategies"
VALID = {"name": "Taken", "kind": "buy_and_hold", "symbols": ["IBM"]}


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1", "/api/v1/strategies/", "/api/v1/strategies/first", "/api/no/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_call_that_does_not_exist_is_told_as_json(charlies: Caller, method: str, path: str) -> None:
    answer = charlies.call(method, path)
    assert (answer.status, answer.json) == (404, {"detail": "There is no such call. /api/docs lists all of them."})


@pytest.mark.parametrize("number", ["0", "99999", "9" * 30, "9" * 5000])
@pytest.mark.parametrize("noun", ["strategies", "backtests", "live-trading/strategies"])
def test_an_unknown_id_is_told_as_json(alices: Caller, noun: str, number: str) -> None:
    answer = alices.get(f"/api/v1/{noun}/{number}")
    assert answer.status == 404
    assert answer.json["detail"].startswith("There is no ")


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
    alices: Caller, method: str, path: str, allowed: str
) -> None:
    answer = alices.call(method, path)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    assert answer.json == {"detail": f"{method} does not work here. Use {allowed}."}


@pytest.mark.parametrize("content", ["{", "\xff", "[" * 100_000, "1" * 10_000, "nothing"])
def test_a_body_that_is_no_json_is_told(alices: Caller, content: str) -> None:
    answer = alices.send("POST", STRATEGIES, content.encode("latin-1"))
    assert (answer.status, answer.json) == (400, {"detail": "Cannot parse request body"})


@pytest.mark.parametrize("body", [None, [], "text", 3])
def test_a_body_that_is_no_object_is_told(alices: Caller, body: object) -> None:
    answer = alices.send("POST", STRATEGIES, json.dumps(body) if body is not None else "")
    assert answer.status == 422
    assert [problem["field"] for problem in answer.json["detail"]] == [""]


def test_every_field_is_told_at_once(alices: Caller) -> None:
    answer = alices.post(
        STRATEGIES,
        {"name": 3, "symbols": ["AAPL", None], "parameters": [], "timeframe": "1\x00Day", "colour": "red"},
    )
    assert answer.status == 422
    assert {problem["field"]: problem["message"] for problem in answer.json["detail"]} == {
        "name": "Send a text.",
        "kind": "This is required.",
        "parameters": "Send a JSON object.",
        "symbols.1": "Send a text.",
        "timeframe": "This has a character that cannot be stored.",
        "colour": "There is no such field.",
    }


def test_a_body_that_is_too_large_is_told(alices: Caller, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = alices.post(STRATEGIES, {**VALID, "name": "x" * 200})
    assert (answer.status, answer.json) == (413, {"detail": "The request is too large."})


def test_a_mistake_of_the_desk_is_told_and_logged(
    alices: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the code")

    monkeypatch.setattr("strategies.api.save_strategy", broken)
    answer = alices.post(STRATEGIES, VALID)
    assert (answer.status, answer.json) == (500, {"detail": "The desk made an error. Its log says where."})
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
def test_a_page_that_cannot_be_is_refused(alices: Caller, query: str, field: str) -> None:
    answer = alices.get(f"{STRATEGIES}?{query}")
    assert answer.status == 422
    assert [problem["field"] for problem in answer.json["detail"]] == [field]


def test_health_needs_no_user(charlies: Caller) -> None:
    answer = charlies.get("/api/health")
    assert set(answer.json) == {"status", "database", "broker", "worker", "beat", "market"}
    # Nobody works for the desk of this test.
    assert (answer.status, answer.json["status"], answer.json["database"]) == (503, "down", "ok")
    assert "celery -A tradedesk worker" in answer.json["worker"]


def test_health_is_200_when_every_part_answers(charlies: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = dict.fromkeys(("status", "database", "broker", "worker", "beat", "market"), "ok")
    monkeypatch.setattr("tradedesk.api.health", lambda now: parts)
    answer = charlies.get("/api/health")
    assert (answer.status, answer.json) == (200, parts)


def test_an_answer_is_json_in_utf_8_that_no_cache_keeps(alices_browser: Client) -> None:
    answer = alices_browser.get(STRATEGIES)
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
