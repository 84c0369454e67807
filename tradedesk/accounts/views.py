"""The user's own pages: notifications, and the status in the top bar."""

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tradedesk.accounts import services
from tradedesk.accounts.forms import MarkReadForm
from tradedesk.accounts.requests import UserRequest

PAGE_SIZE = 50


@require_safe
def notifications(request: UserRequest) -> HttpResponse:
    page = Paginator(request.user.notifications.all(), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "accounts/notifications.html", {"page": page})


@require_POST
def notifications_read(request: UserRequest) -> HttpResponse:
    form = MarkReadForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest("up_to must be the id of a notification.")
    # Wall time, because a person reads in real time, also on the replay market.
    services.mark_all_read(request.user, timezone.now(), form.cleaned_data["up_to"])
    return redirect("accounts:notifications")


@require_safe
def status(request: UserRequest) -> HttpResponse:
    """The fragment of the top bar that refreshes."""
    return render(request, "_status.html")
