"""The JSON API: the routers of all apps, joined by dotted name."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver
from django.utils import timezone
from ninja import NinjaAPI, Router, Status
from ninja.openapi.docs import Swagger
from ninja.operation import Operation
from pydantic import Field

from tradedesk.accounts.api_auth import BearerToken, SignedInSession
from tradedesk.monitoring.health import DOWN, reader
from tradedesk.rest.refusals import refuse_with_detail
from tradedesk.rest.schemas import Schema

DOCS = "api_docs"
DESCRIPTION = """
Strategies, backtests and live trading of one desk.

**Authentication.** Send the token from `POST /api/v1/auth/login` as `Authorization: Bearer <token>`. A logged-in
browser session works too; its POST, PUT and DELETE requests need the header `X-CSRFToken`.

**Numbers.** `*_pct` is a fraction in requests and in the `rules` and `limits` of a response: 0.02 is 2%. `*_pct`
and `win_rate` of a result are percent: 12.3 is 12.3%. Money is in dollars. A figure that is not defined is null.

**Times** are ISO 8601 in UTC: `2010-03-08T21:00:00Z`. Live trading uses market time, which on a replay differs
from the wall clock. Backtests and optimizer runs use the wall clock.

**Lists** have pages: `?limit=50&offset=0`, at most 200 items. The response is `{"items": [...], "count": n}`,
where n is the length of the whole list.

**Refusals** give the reason in `{"detail": ...}`: a message, or for status 422 a list of `{"field", "message"}`.
An object of another user is 404.
""".strip()
UNKNOWN_ENDPOINT = "Unknown endpoint. /api/docs lists all endpoints."
View = Callable[..., HttpResponseBase]


class DeskApi(NinjaAPI):
    """Every response is JSON, also without a login."""

    @property
    def urls(self) -> tuple[list[URLResolver | URLPattern], str, str]:
        patterns, app_name, namespace = super().urls
        for pattern in patterns:
            # The documentation is a page and redirects to the login page; the endpoints respond with 401.
            if isinstance(pattern, URLPattern) and pattern.name != DOCS:
                pattern.callback = login_not_required(self._with_api_headers(pattern.callback))
        return patterns, app_name, namespace

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def _with_api_headers(self, view: View) -> View:
        @wraps(view)
        def respond(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response = view(request, *args, **kwargs)
            if response.status_code == 405:
                response = self._not_allowed(request, response["Allow"])
            # Responses have tokens and account figures: no cache may keep them.
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        return respond

    def _not_allowed(self, request: HttpRequest, methods: str) -> HttpResponse:
        allowed = ", ".join(sorted(methods.split(", ")))
        detail = f"{request.method} is not allowed here. Use {allowed}."
        response = self.create_response(request, {"detail": detail}, status=405)
        response["Allow"] = allowed
        return response


api = DeskApi(
    title="tradedesk",
    version="1",
    description=DESCRIPTION,
    # No external validator, and no token is kept in the browser.
    docs=Swagger({"validatorUrl": None, "persistAuthorization": False, "defaultModelsExpandDepth": 0}),
    # The endpoints below replace the ones of django-ninja, because they need a user.
    openapi_url=None,
    auth=[BearerToken(), SignedInSession()],
    urls_namespace="api",
)
refuse_with_detail(api)


class HealthSchema(Schema):
    """status: "ok", "degraded" (the desk trades, and something needs attention) or "down". Each part is "ok", or a
    message with the problem and what to do; "details" says what was seen of the parts that are ok."""

    status: str = Field(examples=["ok"])
    database: str
    broker: str = Field(description="The message queue.")
    beat: str
    worker: str
    urgent: str = Field(description="The worker of the first checks after a deployment.")
    research: str
    notifications: str = Field(description="The worker that sends them.")
    outbox: str = Field(description="Notifications that nobody sends.")
    disk: str
    backup: str
    schema_version: str
    market: str
    checks: str
    orders: str
    accounts: str
    failures: str = Field(description="Strategies whose checks fail again and again.")
    trade_updates: str = Field(description="The brokers' streams of order updates; the desk trades without them.")
    calendar: str = Field(description="The days of the market, compared with the broker's.")
    clock: str = Field(description="The clock of this machine, compared with the broker's.")
    details: dict[str, str]


@api.get("/health", auth=None, tags=["health"], response={200: HealthSchema, 503: HealthSchema})
def read_health(request: HttpRequest) -> Status[dict[str, object]]:
    """Whether the desk can trade. 503: the status is "down". The response comes within two seconds."""
    found = reader.read(timezone.now())
    return Status(503 if found.status == DOWN else 200, found.as_json())


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document. It is constant while the desk runs."""
    return api.get_openapi_schema()


@api.get("/openapi.json", url_name="openapi-json", include_in_schema=False)
def read_openapi(request: HttpRequest) -> dict[str, Any]:
    return document()


@api.get("/docs", auth=None, url_name=DOCS, include_in_schema=False)
def read_docs(request: HttpRequest) -> HttpResponse:
    return api.docs.render_page(request, api)


api.add_router("/v1/auth", "tradedesk.accounts.api.router")
api.add_router("/v1/notifications", "tradedesk.notifications.api.router")
api.add_router("/v1/data", "tradedesk.marketdata.api.router")
api.add_router("/v1/strategies", "strategies.api.router")
api.add_router("/v1/backtests", "backtests.api.backtests.router")
api.add_router("/v1/optimizer", "backtests.api.optimizer.router")
api.add_router("/v1/evidence", "backtests.api.evidence.router")
api.add_router("/v1/live-trading", "livetrading.api.router")
api.add_router("/v1/replay", "livetrading.api.replay.router")
api.add_router("/mode", "livetrading.api.mode.router")
api.add_router("/v1/broker-accounts", "livetrading.api.broker_accounts.router")
api.add_router("/configure", "livetrading.api.broker_accounts.configuring")
api.add_router("", "livetrading.api.manual_orders.router")
api.add_router("/paper", "livetrading.api.paper_reset.router")
api.add_router("", "livetrading.api.analysis.router")
api.add_router("/paper", "livetrading.api.modes.paper")
api.add_router("/live", "livetrading.api.modes.live")
api.add_router("/backtest/results", "backtests.api.backtests.results")
api.add_router("", "livetrading.api.older_desk.router")

# Last, for every address that matches no endpoint.
unmatched = Router(auth=None)
METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]


@unmatched.api_operation(METHODS, "/", include_in_schema=False)
def unknown_endpoint(request: HttpRequest) -> HttpResponse:
    raise Http404(UNKNOWN_ENDPOINT)


@unmatched.api_operation(METHODS, "/{path:path}", include_in_schema=False)
def unknown_endpoint_at(request: HttpRequest, path: str) -> HttpResponse:
    raise Http404(UNKNOWN_ENDPOINT)


api.add_router("", unmatched)
