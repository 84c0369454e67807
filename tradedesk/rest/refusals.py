"""Refusals: {"detail": message}, or for status 422 {"detail": [{"field", "message"}]}."""

import logging
from collections.abc import Mapping
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from tradedesk.database_errors import DATABASE_DOWN, is_database_down
from tradedesk.rest.schemas import Schema

log = logging.getLogger(__name__)
Row = TypeVar("Row", bound=Model)

LOG_IN = "Log in, or send a bearer token from POST /api/v1/auth/login."
INTERNAL_ERROR = "Internal error of the desk. The log has the details."
# A body with thousands of wrong values is answered with the first ones, a long name with its beginning.
MOST_PROBLEMS, MOST_OF_A_NAME = 20, 80
# Messages for pydantic's most frequent types of errors.
MESSAGES = {
    "missing": "This is required.",
    "extra_forbidden": "Unknown field.",
    "model_type": "Send a JSON object.",
    "model_attributes_type": "Send a JSON object.",
    "dict_type": "Send a JSON object.",
    "list_type": "Send a list.",
    "string_type": "Send a text.",
    "string_unicode": "This text is not valid Unicode.",
    "string_too_long": "At most {max_length} characters.",
    "too_long": "At most {max_length} entries, not {actual_length}.",
    "int_type": "Send a whole number.",
    "int_parsing": "Send a whole number.",
    "float_type": "Send a number.",
    "finite_number": "Send a finite number.",
    "bool_type": "Send true or false.",
}


class Problem(Schema):
    """detail: why the request was refused."""

    detail: str


class FieldProblem(Schema):
    """field: its path, for example "parameters.fast"; empty for the whole request."""

    field: str
    message: str


class ValidationProblem(Schema):
    """detail: the fields with invalid values."""

    detail: list[FieldProblem]


# Refusals by status: of every endpoint that needs a login, for one object, with a query, with a body.
Responses = dict[int, type[Schema]]
NO_USER: Responses = {401: Problem}
UNKNOWN: Responses = {401: Problem, 404: Problem}
BAD_QUERY: Responses = {401: Problem, 422: ValidationProblem}
BAD_BODY: Responses = {400: Problem, 401: Problem, 422: ValidationProblem}


class Refused(Exception):
    """A service refused values.

    errors: messages by field. renamed: the API's name of a field where the service uses another one.
    """

    def __init__(self, errors: Mapping[str, str], renamed: Mapping[str, str] | None = None) -> None:
        super().__init__(" ".join(errors.values()))
        names = renamed or {}
        self.errors = {names.get(field, field): message for field, message in errors.items()}


def find(rows: "QuerySet[Row]", pk: int) -> Row:
    """The row of `rows`, which are the user's. Raises Http404, also for a row of another user."""
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404(f"There is no {rows.model._meta.verbose_name} {pk}.")
    return row


def refuse_with_detail(api: NinjaAPI) -> None:
    """Make `api` respond to every exception with {"detail": ...}."""

    def respond(request: HttpRequest, status: int, detail: Any) -> HttpResponse:
        return api.create_response(request, {"detail": detail}, status=status)

    @api.exception_handler(AuthenticationError)
    def not_authenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        response = respond(request, 401, LOG_IN)
        response["WWW-Authenticate"] = "Bearer"
        return response

    @api.exception_handler(ValidationError)
    def invalid_values(request: HttpRequest, error: ValidationError) -> HttpResponse:
        items = error.errors[:MOST_PROBLEMS]
        problems = [{"field": _path(item["loc"]), "message": _message(item)} for item in items]
        return respond(request, 422, problems)

    @api.exception_handler(Refused)
    def refused(request: HttpRequest, error: Refused) -> HttpResponse:
        items = list(error.errors.items())[:MOST_PROBLEMS]
        problems = [{"field": field[:MOST_OF_A_NAME], "message": message} for field, message in items]
        return respond(request, 422, problems)

    @api.exception_handler(Http404)
    def not_found(request: HttpRequest, error: Http404) -> HttpResponse:
        return respond(request, 404, str(error))

    @api.exception_handler(PermissionDenied)
    def forbidden(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
        return respond(request, 403, str(error))

    @api.exception_handler(RequestDataTooBig)
    def too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
        return respond(request, 413, "The request is too large.")

    @api.exception_handler(HttpError)
    def http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
        return respond(request, error.status_code, str(error))

    @api.exception_handler(Exception)
    def internal_error(request: HttpRequest, error: Exception) -> HttpResponse:
        log.error("%s %s failed", request.method, request.path, exc_info=error)
        if is_database_down(error):
            return respond(request, 503, DATABASE_DOWN)
        return respond(request, 500, INTERNAL_ERROR)


def _path(loc: tuple[str | int, ...]) -> str:
    """Without the source, and for a body without the name of the parameter."""
    return ".".join(str(part)[:MOST_OF_A_NAME] for part in loc[2 if loc[0] == "body" else 1 :])


def _message(item: Mapping[str, Any]) -> str:
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    if (message := MESSAGES.get(item["type"])) is None:
        return f"{item['msg']}."
    return message.format(**item.get("ctx", {}))
