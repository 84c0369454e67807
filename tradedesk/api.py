"""The JSON API: every app's router under its address, joined by dotted name."""

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
from tradedesk.health import OK, health
from tradedesk.rest.refusals import refuse_with_detail
from tradedesk.rest.schemas import Schema

DOCS = "api_docs"
DESCRIPTION = """
Strategies, backtests and live trading of one desk.

**Who calls.** Send the token of `POST /api/v1/auth/login` as `Authorization: Bearer <token>`. The session of a
browser works, too; what it writes needs the header `X-CSRFToken`.

**Numbers.** `*_pct` of a request, and of the limits and rules that repeat one, is a fraction: 0.02 is 2%. `*_pct`
and `win_rate` of a result are percent: 12.3 is 12.3%. Money is in dollars. A figure that is not defined is null.

**Times** are ISO 8601 in UTC: `2010-03-08T21:00:00Z`. What happens on the market carries the market's time, which
on a replay is not yours.

**Lists** come in pages: `?limit=50&offset=0`, at most 200 items, as `{"items": [...], "count": n}`, n being the
length of the whole list.

**Refusals** say why in `{"detail": ...}`: a sentence, or for status 422 a list of `{"field", "message"}`. What
belongs to another user is 404.
""".strip()
NOWHERE = "There is no such call. /api/docs lists all of them."
View = Callable[..., HttpResponseBase]


class DeskApi(NinjaAPI):
    """Responses in JSON throughout, to strangers as well."""

    @property
    def urls(self) -> tuple[list[URLResolver | URLPattern], str, str]:
        patterns, app_name, namespace = super().urls
        for pattern in patterns:
            # The documentation is a page: it asks for the log-in by itself. The calls answer 401 instead.
            if isinstance(pattern, URLPattern) and pattern.name != DOCS:
                pattern.callback = login_not_required(self._as_api(pattern.callback))
        return patterns, app_name, namespace

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def _as_api(self, view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response = view(request, *args, **kwargs)
            if response.status_code == 405:
                response = self._not_allowed(request, response["Allow"])
            # Tokens and figures of an account: no cache on the way keeps them.
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        return answer

    def _not_allowed(self, request: HttpRequest, methods: str) -> HttpResponse:
        allowed = ", ".join(sorted(methods.split(", ")))
        detail = f"{request.method} does not work here. Use {allowed}."
        response = self.create_response(request, {"detail": detail}, status=405)
        response["Allow"] = allowed
        return response


api = DeskApi(
    title="tradedesk",
    version="1",
    description=DESCRIPTION,
    # Nothing is sent to a validator elsewhere, and no token stays behind in the browser.
    docs=Swagger({"validatorUrl": None, "persistAuthorization": False, "defaultModelsExpandDepth": 0}),
    # Both are calls of our own below, so that they ask for a user.
    openapi_url=None,
    auth=[BearerToken(), SignedInSession()],
    urls_namespace="api",
)
refuse_with_detail(api)


class Health(Schema):
    """Each part answers "ok", or says in a sentence what is wrong and what to do."""

    status: str = Field(examples=["ok"])
    database: str
    broker: str
    worker: str
    beat: str
    market: str


@api.get("/health", auth=None, tags=["health"], response={200: Health, 503: Health})
def read_health(request: HttpRequest) -> Status[dict[str, str]]:
    """Whether the desk is able to trade; 503 with what is down when it is not."""
    found = health(timezone.now())
    return Status(200 if found["status"] == OK else 503, found)


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document; it does not change while the desk runs."""
    return api.get_openapi_schema()


@api.get("/openapi.json", url_name="openapi-json", include_in_schema=False)
def read_openapi(request: HttpRequest) -> dict[str, Any]:
    return document()


@api.get("/docs", auth=None, url_name=DOCS, include_in_schema=False)
def read_docs(request: HttpRequest) -> HttpResponse:
    return api.docs.render_page(request, api)


api.add_router("/v1/auth", "tradedesk.accounts.api.router")
api.add_router("/v1/strategies", "strategies.api.router")
api.add_router("/v1/backtests", "backtests.api.backtests.router")
api.add_router("/v1/optimizer", "backtests.api.optimizer.router")
api.add_router("/v1/evidence", "backtests.api.evidence.router")
api.add_router("/v1/live-trading", "livetrading.api.router")
api.add_router("/paper", "livetrading.api.paper.router")

# Last, so that it gets what no other call takes.
nowhere = Router(auth=None)
METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]


@nowhere.api_operation(METHODS, "/", include_in_schema=False)
def find_nothing(request: HttpRequest) -> HttpResponse:
    raise Http404(NOWHERE)


@nowhere.api_operation(METHODS, "/{path:path}", include_in_schema=False)
def find_nothing_at(request: HttpRequest, path: str) -> HttpResponse:
    raise Http404(NOWHERE)


api.add_router("", nowhere)
