"""The inbox: the notifications of a user."""

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tradedesk.accounts.requests import PageRequest, UserRequest
from tradedesk.notifications import inbox as read_model
from tradedesk.notifications import services
from tradedesk.notifications.forms import MOST_IDS, InboxFilters, MarkReadForm

PAGE_SIZE = 50


@require_safe
def inbox(request: UserRequest) -> HttpResponse:
    """The page tells the server what it shows (mark_shown), so that a prefetched page is not a read one."""
    filters = InboxFilters(request.GET)
    rows = read_model.filtered(request.user, **filters.values())
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "filters": filters,
        "unread_shown": read_model.ids_of_unread(page),
    }
    return render(request, "notifications/inbox.html", context)


@require_POST
def mark_read(request: UserRequest) -> HttpResponse:
    """The button “Mark all read”."""
    form = MarkReadForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest("up_to must be the id of a notification.")
    # Wall time, because a person reads in real time, also on the replay market.
    services.mark_all_read(request.user, timezone.now(), form.cleaned_data["up_to"])
    return redirect("notifications:inbox")


@require_POST
def mark_shown(request: PageRequest) -> HttpResponse:
    """What an open page shows; the answer replaces the form. The bell follows with the change of the user's
    version."""
    ids = request.POST.getlist("id")
    if len(ids) > MOST_IDS or not all(text.isascii() and text.isdigit() and len(text) < 19 for text in ids):
        return HttpResponseBadRequest(f"id must be the ids of at most {MOST_IDS} notifications.")
    services.mark_read(request.user, timezone.now(), [int(text) for text in ids])
    return HttpResponse()
