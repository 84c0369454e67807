"""The status in the top bar of every page."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tradedesk.accounts.requests import UserRequest


@require_safe
def status(request: UserRequest) -> HttpResponse:
    """The fragment of the top bar that refreshes."""
    return render(request, "_status.html")
