"""Pages where a secret is typed need a password that was typed a moment ago."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

View = Callable[..., HttpResponse]


def fresh_password(view: View) -> View:
    """As allauth's decorator, which would keep a refused POST, and so the typed secret, in the session: it is
    dropped, and has to be typed again after the password."""
    guarded = reauthentication_required(view)

    @wraps(view)
    def respond(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and is_reauthentication_required(request, app=""):
            messages.info(request, "Enter your password, then fill in the form again.")
            return redirect(request.path)
        response: HttpResponse = guarded(request, *args, **kwargs)
        return response

    return respond
