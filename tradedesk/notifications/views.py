"""The inbox: the notifications of a user."""

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tradedesk.accounts.requests import UserRequest
from tradedesk.notifications import services
from tradedesk.notifications.forms import MarkReadForm

PAGE_SIZE = 50


@require_safe
def inbox(request: UserRequest) -> HttpResponse:
    page = Paginator(request.user.notifications.all(), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "notifications/inbox.html", {"page": page})


@require_POST
def mark_read(request: UserRequest) -> HttpResponse:
    form = MarkReadForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest("up_to must be the id of a notification.")
    # Wall time, because a person reads in real time, also on the replay market.
    services.mark_all_read(request.user, timezone.now(), form.cleaned_data["up_to"])
    return redirect("notifications:inbox")
