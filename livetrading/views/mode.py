"""The switch of the top bar: the dialog before live mode, which is a page as well, and the switch itself."""

from urllib.parse import urlsplit

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from livetrading.services import mode as modes
from livetrading.summaries.mode import read_live_switch
from livetrading.views.back import page_of_button
from tradedesk.accounts.fresh_password import ask_for_password
from tradedesk.accounts.models import Mode
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import market_clock, read_clocks


@require_safe
@vary_on_headers("HX-Request")
def go_live(request: PageRequest) -> HttpResponse:
    context = {"switch": read_live_switch(request.user, market_clock().now()), "word": modes.LIVE_WORD}
    template = "livetrading/_go_live.html" if request.htmx else "livetrading/go_live.html"
    return render(request, template, context)


@require_POST
def switch(request: PageRequest) -> HttpResponse:
    """mode: paper or live; for live also what the dialog has shown, the box `understood` and, the first time, the
    word."""
    user, form, (now, wall_now) = request.user, request.POST, read_clocks()
    mode = form.get("mode")
    if mode not in Mode.values:
        raise BadRequest(f"mode must be {' or '.join(Mode.values)}.")
    dialog = reverse("livetrading:go_live")
    if mode == Mode.LIVE and (asked := ask_for_password(request, dialog)) is not None:
        return asked
    try:
        if mode == Mode.LIVE:
            if form.get("shown") != read_live_switch(user, now).digest:
                raise modes.NotConfirmed("What would trade has changed since this was shown. Read it again first.")
            modes.check_acknowledgement(user, understood="understood" in form, word=form.get("word", ""))
        changed = modes.switch_mode(user, mode, confirmed=True, now=now, wall_now=wall_now)
    except modes.NotSwitched as refusal:
        messages.error(request, str(refusal))
        return redirect(dialog)
    if changed:
        messages.success(request, modes.mode_message(user, mode))
    else:
        messages.info(request, f"You are in {mode} mode already.")
    return redirect(_back(request))


def _back(request: PageRequest) -> str:
    """The page of the switch, unless that is the one of the dialog."""
    home, page = reverse("home"), page_of_button(request, reverse("home"))
    return home if urlsplit(page).path == reverse("livetrading:go_live") else page
