"""Stop trading and resume: the menu of the top bar, which is a page as well."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from livetrading.control_forms import HaltForm
from livetrading.pipeline.direct import act_without_workers
from livetrading.services import halt as halts
from livetrading.services.accounts import NoBroker
from livetrading.summaries.halt import read_halt, read_stop_menu
from livetrading.views.back import page_of_button
from livetrading.views.shown_mode import in_shown_mode
from tradedesk.accounts.models import Mode
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import market_clock, read_clocks


@require_safe
@vary_on_headers("HX-Request")
def stop_trading(request: PageRequest) -> HttpResponse:
    """of: the mode whose accounts are shown, the user's own when it is not given: real money can be stopped from
    paper mode too."""
    menu = read_stop_menu(request.user, _mode(request, request.GET.get("of")), market_clock().now())
    template = "livetrading/_stop_menu.html" if request.htmx else "livetrading/stop_trading.html"
    return render(request, template, {"menu": menu, "state": menu.state})


@require_POST
@in_shown_mode
def halt(request: PageRequest) -> HttpResponse:
    form = HaltForm(request.POST)
    mode = _mode(request, request.POST.get("of"))
    back = page_of_button(request, _menu(mode))
    if not form.is_valid():
        for errors in form.errors.values():
            messages.error(request, " ".join(map(str, errors)))
        return redirect(_menu(mode))
    user, (now, wall_now), values = request.user, read_clocks(), form.cleaned_data
    try:
        made = halts.request_all(user, mode, values["action"], reason=values["reason"], now=now, wall_now=wall_now)
    except NoBroker as error:
        messages.error(request, str(error))
        return redirect(back)
    act_without_workers([each.account_id for each in made], read_clocks)
    state = read_halt(user, mode)
    done = f" {state.progress}." if state.progress else ""
    messages.success(request, f"{mode.capitalize()} trading is stopped until you type {halts.RESUME}.{done}")
    return redirect(back)


@require_POST
@in_shown_mode
def resume(request: PageRequest) -> HttpResponse:
    user, (now, wall_now) = request.user, read_clocks()
    mode = _mode(request, request.POST.get("of"))
    try:
        halts.lift_all(user, mode, request.POST.get("confirm", ""), now=now, wall_now=wall_now)
    except halts.NotLifted as refusal:
        messages.error(request, str(refusal))
        return redirect(_menu(mode))
    messages.success(request, f"{mode.capitalize()} trading goes on.")
    return redirect(page_of_button(request, _menu(mode)))


def _mode(request: PageRequest, of: str | None) -> str:
    return Mode(of) if of is not None and of in Mode else request.user.mode


def _menu(mode: str) -> str:
    return f"{reverse('livetrading:stop_trading')}?of={mode}"
