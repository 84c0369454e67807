"""How a call is refused: {"detail": ...}, a sentence, or for status 422 the fields with a sentence each."""

import logging
from collections.abc import Mapping
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from tradedesk.rest.schemas import Schema

log = logging.getLogger(__name__)
Row = TypeVar("Row", bound=Model)

LOG_IN = "Log in, or send the bearer token that POST /api/v1/auth/login gives."
BROKEN = "The desk made an error. Its log says where."
# pydantic's words for what befalls everybody, in ours.
WORDS = {
    "missing": "This is required.",
    "extra_forbidden": "There is no such field.",
    "model_type": "Send a JSON object.",
    "model_attributes_type": "Send a JSON object.",
    "dict_type": "Send a JSON object.",
    "list_type": "Send a list.",
    "string_type": "Send a text.",
    "string_unicode": "This has half a character.",
    "int_type": "Send a whole number.",
    "int_parsing": "Send a whole number.",
    "float_type": "Send a number.",
    "finite_number": "Send a finite number.",
    "bool_type": "Send true or false.",
}


class Problem(Schema):
    """Why a call was refused, in a sentence."""

    detail: str


class FieldProblem(Schema):
    """field: the path of the field, "parameters.fast"; empty for the request as a whole."""

    field: str
    message: str


class Invalid(Schema):
    """Values that were refused, each with what to do about it."""

    detail: list[FieldProblem]


# What a call may answer beside its own: any, one on an object, one with a query, one with a body.
Responses = dict[int, type[Schema]]
NO_USER: Responses = {401: Problem}
UNKNOWN: Responses = {401: Problem, 404: Problem}
BAD_QUERY: Responses = {401: Problem, 422: Invalid}
BAD_BODY: Responses = {400: Problem, 401: Problem, 422: Invalid}


class Refused(Exception):
    """Values a service refused; errors maps a field to a message."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


def find(rows: "QuerySet[Row]", pk: int) -> Row:
    """The row of `rows`, which are the user's. Raises Http404: another user's row does not exist for this one."""
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404(f"There is no {rows.model._meta.verbose_name} {pk}.")
    return row


def refuse_with_detail(api: NinjaAPI) -> None:
    """Let `api` answer every exception with {"detail": ...}."""

    def answer(request: HttpRequest, status: int, detail: Any) -> HttpResponse:
        return api.create_response(request, {"detail": detail}, status=status)

    @api.exception_handler(AuthenticationError)
    def no_user(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        response = answer(request, 401, LOG_IN)
        response["WWW-Authenticate"] = "Bearer"
        return response

    @api.exception_handler(ValidationError)
    def wrong_values(request: HttpRequest, error: ValidationError) -> HttpResponse:
        found = [{"field": _path(item["loc"]), "message": _words(item)} for item in error.errors]
        return answer(request, 422, found)

    @api.exception_handler(Refused)
    def refused(request: HttpRequest, error: Refused) -> HttpResponse:
        found = [{"field": field, "message": message} for field, message in error.errors.items()]
        return answer(request, 422, found)

    @api.exception_handler(Http404)
    def unknown(request: HttpRequest, error: Http404) -> HttpResponse:
        return answer(request, 404, str(error))

    @api.exception_handler(PermissionDenied)
    def forbidden(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
        return answer(request, 403, str(error))

    @api.exception_handler(RequestDataTooBig)
    def too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
        return answer(request, 413, "The request is too large.")

    @api.exception_handler(HttpError)
    def said(request: HttpRequest, error: HttpError) -> HttpResponse:
        return answer(request, error.status_code, str(error))

    @api.exception_handler(Exception)
    def broken(request: HttpRequest, error: Exception) -> HttpResponse:
        log.error("%s %s failed", request.method, request.path, exc_info=error)
        return answer(request, 500, BROKEN)


def _path(loc: tuple[str | int, ...]) -> str:
    """Without the source, and for a body without the name that our code has for it."""
    return ".".join(str(part) for part in loc[2 if loc[0] == "body" else 1 :])


def _words(item: Mapping[str, Any]) -> str:
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    return WORDS.get(item["type"], f"{item['msg']}.")
