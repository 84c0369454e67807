"""The status in the top bar of every page."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tradedesk.accounts.requests import UserRequest


@require_safe
def status(request: UserRequest) -> HttpResponse:
    """The part of the top bar that refreshes, and the counts of the side bar."""
    return render(request, "_status_refresh.html")
