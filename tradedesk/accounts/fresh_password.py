"""What changes keys, or lets real money be used, needs a password that was typed a moment ago.

A bearer token is no browser that somebody left open, so it goes on."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from ninja.errors import HttpError

from tradedesk.accounts.models import User

AGAIN = "Enter your password, then fill in the form again."
STALE = "Enter your password again at /accounts/reauthenticate/, then repeat this; or use a token."
View = Callable[..., HttpResponse]


def ask_for_password(request: HttpRequest, back: str) -> HttpResponse | None:
    """The way to the page that asks for it, and from there to `back`, for a form of another page than its view's;
    None when nothing is to be asked."""
    if not is_reauthentication_required(request, app=""):
        return None
    messages.info(request, AGAIN)
    return redirect(f"{reverse('account_reauthenticate')}?{urlencode({REDIRECT_FIELD_NAME: back})}")


def require_fresh_password(request: HttpRequest) -> None:
    """For the API, in the session of a browser. Raises HttpError."""
    in_session = isinstance(getattr(request, "auth", None), User)
    if in_session and is_reauthentication_required(request, app=""):
        raise HttpError(403, STALE)


def fresh_password(view: View) -> View:
    """As allauth's decorator, which would keep a refused POST, and so the typed secret, in the session: it is
    dropped, and has to be typed again after the password."""
    guarded = reauthentication_required(view)

    @wraps(view)
    def respond(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and is_reauthentication_required(request, app=""):
            messages.info(request, AGAIN)
            return redirect(request.path)
        response: HttpResponse = guarded(request, *args, **kwargs)
        return response

    return respond
