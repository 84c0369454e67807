"""The mode and the account that a page showed when it was made: in its forms, and in its address."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import trigger_client_event

from livetrading.control_forms import SHOWN_ACCOUNT, SHOWN_MODE
from livetrading.models import BrokerAccount
from livetrading.views.back import page_of_button
from tradedesk.accounts.requests import PageRequest

Given = ParamSpec("Given")
View = Callable[Concatenate[PageRequest, Given], HttpResponse]


def in_shown_mode(view: View[Given]) -> View[Given]:
    """Refuse a form that was made in the other mode, or for another account than the active one, before anything
    is done. A request without the fields is none of our forms and passes; the API has no such fields."""

    @wraps(view)
    def checked(request: PageRequest, /, *args: Given.args, **kwargs: Given.kwargs) -> HttpResponse:
        if not (now := _changed(request)):
            return view(request, *args, **kwargs)
        text = f"This form was made {now} Nothing was done: look at the page again, then repeat it."
        if request.htmx:
            return trigger_client_event(HttpResponse(status=204), "toast", {"level": "error", "text": text})
        messages.error(request, text)
        return redirect(page_of_button(request, reverse("livetrading:dashboard")))

    return checked


def _changed(request: PageRequest) -> str:
    """What is not as the form showed it, in words; "" when all is."""
    mode = request.user.mode
    if request.POST.get(SHOWN_MODE, mode) != mode:
        return f"in the other mode, and you are in {mode} mode now."
    if not (shown := request.POST.get(SHOWN_ACCOUNT)):
        return ""
    active = BrokerAccount.objects.filter(user=request.user, mode=mode, active=True).first()
    if active is not None and str(active.pk) == shown:
        return ""
    return f"for another account, and {f'“{active}”' if active else 'none'} is the active one now."


def mode_in_address(view: View[Given]) -> View[Given]:
    """Where ?mode= differs from the user's mode, go to the address with the right one. static/mode.js adds it
    where it is missing."""

    @wraps(view)
    def checked(request: PageRequest, /, *args: Given.args, **kwargs: Given.kwargs) -> HttpResponse:
        if request.GET.get("mode", request.user.mode) == request.user.mode:
            return view(request, *args, **kwargs)
        query = request.GET.copy()
        query["mode"] = request.user.mode
        return redirect(f"{request.path}?{query.urlencode()}")

    return checked
