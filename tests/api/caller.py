"""Calling the API as a program does: JSON and a bearer token."""

import json
from typing import Any, NamedTuple

from django.test import Client
from django.utils import timezone

from tradedesk.accounts import tokens
from tradedesk.accounts.models import User


class Answered(NamedTuple):
    status: int
    json: Any
    headers: Any


class Caller:
    """A program with a user's token; with that of nobody, one that sends none."""

    def __init__(self, user: User | None) -> None:
        self._headers = {"Authorization": f"Bearer {tokens.issue(user, timezone.now()).token}"} if user else {}
        self._client = Client(enforce_csrf_checks=True)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answered:
        content = b"" if body is None else json.dumps(body)
        return self.send(method, path, content, **headers)

    def send(self, method: str, path: str, content: str | bytes, **headers: str) -> Answered:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self._client.generic(
            method, path, content, content_type="application/json", headers=self._headers | named
        )
        return Answered(
            response.status_code, json.loads(response.content) if response.content else None, response.headers
        )

    def get(self, path: str, **headers: str) -> Answered:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answered:
        return self.call("POST", path, body, **headers)


def problems(answer: Any) -> dict[str, str]:
    """Of a refusal, the message at each field."""
    assert answer.status == 422, answer
    return {problem["field"]: problem["message"] for problem in answer.json["detail"]}
