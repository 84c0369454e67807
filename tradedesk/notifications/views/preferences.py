"""The settings of notifications: which events go where, and the channels."""

import uuid

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tradedesk.accounts.requests import UserRequest
from tradedesk.notifications import managing
from tradedesk.notifications.forms import ChannelForm
from tradedesk.notifications.models import Channel
from tradedesk.notifications.preferences import channels_of, rows_of, save_choices


@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: UserRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, ChannelForm())
    replaying = request.POST.getlist("on_replay") if _on_replay() else None
    wanted, shown = request.POST.getlist("wanted"), request.POST.getlist("shown")
    save_choices(request.user, wanted, shown, replaying, timezone.now())
    messages.success(request, "Saved.")
    return redirect("notifications:preferences")


@require_safe
def channel_list(request: UserRequest) -> HttpResponse:
    """The fragment of the channels, which refreshes itself."""
    return render(request, "notifications/_channels.html", {"channels": channels_of(request.user)})


@never_cache
@require_POST
def channel_add(request: UserRequest) -> HttpResponse:
    form = ChannelForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    values, key = form.cleaned_data, ""
    user, name, address = request.user, values["name"], values["address"]
    wall_now, on_replay = timezone.now(), values["on_replay"]
    try:
        if values["kind"] == Channel.Kind.EMAIL:
            managing.add_email(user, name, wall_now, on_replay=on_replay)
        elif values["kind"] == Channel.Kind.APPRISE:
            managing.add_messenger(user, name, address, wall_now, on_replay=on_replay)
        else:
            _, key = managing.add_webhook(user, name, address, wall_now, on_replay=on_replay)
    except managing.ChannelRefused as refusal:
        form.add_error(refusal.field or None, str(refusal))
        return _page(request, form, status=422)
    if key:
        return _page(request, ChannelForm(), key=key)
    messages.success(request, f"The channel “{name}” is added. Send a test to see whether it works.")
    return redirect("notifications:preferences")


@require_POST
def channel_test(request: UserRequest, pk: uuid.UUID) -> HttpResponse:
    managing.send_test(get_object_or_404(request.user.channels, pk=pk))
    return redirect("notifications:preferences")


@require_http_methods(["GET", "HEAD", "POST"])
def channel_delete(request: UserRequest, pk: uuid.UUID) -> HttpResponse:
    """The page that says what will be lost; after its button, the deletion."""
    channel = get_object_or_404(channels_of(request.user), pk=pk)
    if request.method != "POST":
        return render(request, "notifications/channel_delete.html", {"channel": channel})
    managing.delete_channel(channel, by=request.user, wall_now=timezone.now())
    messages.success(request, f"The channel “{channel.name}” is deleted, and what it had not sent yet.")
    return redirect("notifications:preferences")


def _page(request: UserRequest, form: ChannelForm, *, key: str = "", status: int = 200) -> HttpResponse:
    """key: that of a new webhook, shown this once."""
    channels = list(channels_of(request.user))
    context = {
        "form": form,
        "key": key,
        "channels": channels,
        "rows": rows_of(request.user, channels),
        "most": managing.MOST,
        "on_replay": _on_replay(),
        "mail_is_logged": settings.EMAIL_BACKEND.endswith("console.EmailBackend"),
    }
    return render(request, "notifications/preferences.html", context, status=status)


def _on_replay() -> bool:
    return bool(settings.MARKET == "replay")
