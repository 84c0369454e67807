"""A program that uses the API: JSON and a bearer token."""

import json
from typing import Any, NamedTuple

from django.test import Client
from django.utils import timezone

from tradedesk.accounts import tokens
from tradedesk.accounts.models import User


class ApiResponse(NamedTuple):
    status: int
    json: Any
    headers: Any


class ApiClient:
    """Sends the user's token; without a user, no token."""

    def __init__(self, user: User | None) -> None:
        self._headers = {}
        if user is not None:
            self._headers["Authorization"] = f"Bearer {tokens.issue(user, timezone.now()).token}"
            # Else the first request would also note that it is used.
            user.api_tokens.update(last_used_at=timezone.now())
        self._client = Client(enforce_csrf_checks=True)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> ApiResponse:
        content = b"" if body is None else json.dumps(body)
        return self.send_raw(method, path, content, **headers)

    def send_raw(self, method: str, path: str, content: str | bytes, **headers: str) -> ApiResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self._client.generic(
            method, path, content, content_type="application/json", headers=self._headers | named
        )
        return ApiResponse(
            response.status_code, json.loads(response.content) if response.content else None, response.headers
        )

    def get(self, path: str, **headers: str) -> ApiResponse:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> ApiResponse:
        return self.send("POST", path, body, **headers)


def field_messages(response: ApiResponse) -> dict[str, str]:
    """The messages of a 422 response by field."""
    assert response.status == 422, response
    return {problem["field"]: problem["message"] for problem in response.json["detail"]}
