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
from livetrading.services.accounts import NoBroker, active_account
from livetrading.summaries.halt import read_halt, read_stop_menu
from livetrading.views.back import page_of_button
from livetrading.views.shown_mode import in_shown_mode
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import market_clock, read_clocks


@require_safe
@vary_on_headers("HX-Request")
def stop_trading(request: PageRequest) -> HttpResponse:
    menu = read_stop_menu(request.user, request.user.mode, market_clock().now())
    template = "livetrading/_stop_menu.html" if request.htmx else "livetrading/stop_trading.html"
    return render(request, template, {"menu": menu, "state": menu.state})


@require_POST
@in_shown_mode
def halt(request: PageRequest) -> HttpResponse:
    form = HaltForm(request.POST)
    back = page_of_button(request, reverse("livetrading:stop_trading"))
    if not form.is_valid():
        for errors in form.errors.values():
            messages.error(request, " ".join(map(str, errors)))
        return redirect("livetrading:stop_trading")
    user, (now, wall_now) = request.user, read_clocks()
    try:
        account = active_account(user.pk, user.mode)
    except NoBroker as error:
        messages.error(request, str(error))
        return redirect(back)
    values = form.cleaned_data
    halts.request(account, values["action"], by=user, reason=values["reason"], now=now, wall_now=wall_now)
    act_without_workers([account.pk], read_clocks)
    state = read_halt(user, user.mode)
    done = f" {state.progress}." if state.progress else ""
    messages.success(request, f"Trading is stopped until you type {halts.RESUME}.{done}")
    return redirect(back)


@require_POST
@in_shown_mode
def resume(request: PageRequest) -> HttpResponse:
    user, (now, wall_now) = request.user, read_clocks()
    account = user.broker_accounts.filter(mode=user.mode, active=True).first()
    try:
        halts.check_word(request.POST.get("confirm", ""))
        if account is not None:
            halts.lift(account, halts.RESUME, by=user, now=now, wall_now=wall_now)
    except halts.NotLifted as refusal:
        messages.error(request, str(refusal))
        return redirect("livetrading:stop_trading")
    messages.success(request, "Trading goes on.")
    return redirect(page_of_button(request, reverse("livetrading:stop_trading")))
