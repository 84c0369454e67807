"""The JSON API: every app's router under its address, joined by dotted name; errors are {"detail": ...}."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, ValidationError

from tradedesk.accounts.api_auth import BearerToken, SignedInSession
from tradedesk.health import health

api = NinjaAPI(
    title="tradedesk",
    version="1",
    description="Strategies, backtests and live trading of one desk. Fractions in requests, percent in results.",
    docs_url="/docs",
    auth=[BearerToken(), SignedInSession()],
    urls_namespace="api",
)


@api.exception_handler(AuthenticationError)
def no_user(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    detail = "Log in, or send a bearer token from POST /api/v1/auth/login."
    return api.create_response(request, {"detail": detail}, status=401)


@api.exception_handler(ValidationError)
def bad_values(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """pydantic's findings as {"detail": [{"field", "message"}]}."""
    found = [
        {"field": ".".join(str(part) for part in item["loc"][1:]) or str(item["loc"][0]), "message": item["msg"]}
        for item in error.errors
    ]
    return api.create_response(request, {"detail": found}, status=422)


@api.get("/health", auth=None, tags=["health"], response={200: dict[str, str], 503: dict[str, str]})
def read_health(request: HttpRequest) -> tuple[int, dict[str, Any]]:
    found = health(timezone.now())
    return (200 if found["status"] == "ok" else 503), found


def _open_to_strangers() -> None:
    """The API answers 401 by itself where the pages redirect to the log-in."""
    for pattern in api.urls[0]:
        pattern.callback = login_not_required(pattern.callback)


_open_to_strangers()
