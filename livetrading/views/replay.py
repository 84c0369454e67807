"""The controls of the replay market: the buttons of the top bar, and the menu with jump and restart, which is a
page as well."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from livetrading.control_forms import JumpForm, RestartForm
from livetrading.services import replay_control as controls
from livetrading.services.wording import counted
from livetrading.views.back import page_of_button
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import market_status
from tradedesk.marketdata.pacing import SPEEDS
from tradedesk.marketdata.samples import FIRST_SESSION, LAST_SESSION

PAUSE = "pause"


@require_safe
@vary_on_headers("HX-Request")
def replay(request: PageRequest) -> HttpResponse:
    """start: the date that the form of the restart is filled with."""
    if market_status().kind != "replay":
        raise Http404(controls.NO_REPLAY)
    template = "livetrading/_replay_menu.html" if request.htmx else "livetrading/replay.html"
    return render(request, template, _menu(request, RestartForm(initial={"start": request.GET.get("start")})))


@require_POST
def control(request: PageRequest) -> HttpResponse:
    """action: pause, or the speed to play at. Returns the market line to htmx, otherwise redirects to the page of
    the button."""
    action, user, wall_now = request.POST.get("action", ""), request.user, timezone.now()
    if action != PAUSE and action not in map(str, SPEEDS):
        raise BadRequest(f"action must be {PAUSE}, {' or '.join(map(str, SPEEDS))}.")
    problem = ""
    try:
        if action == PAUSE:
            controls.pause(user, wall_now)
        else:
            controls.play(user, int(action), wall_now)
    except controls.NotControlled as refusal:
        problem = str(refusal)
    if not request.htmx:
        if problem:
            messages.error(request, problem)
        return redirect(page_of_button(request, reverse("livetrading:replay")))
    response = render(request, "_market_line.html")
    return trigger_client_event(response, "toast", {"level": "error", "text": problem}) if problem else response


@require_POST
def jump(request: PageRequest) -> HttpResponse:
    form = JumpForm(request.POST)
    if not form.is_valid():
        return render(request, "livetrading/replay.html", _menu(request, RestartForm(), form), status=422)
    day: date = form.cleaned_data["day"]
    try:
        target = controls.jump(request.user, day, timezone.now())
    except controls.WrongValue as refusal:
        form.add_error("day", str(refusal))
        context = _menu(request, RestartForm(initial={"start": day}), form)
        return render(request, "livetrading/replay.html", context, status=422)
    except controls.NotControlled as refusal:
        messages.error(request, str(refusal))
        return redirect("livetrading:replay")
    messages.success(request, f"The replay runs to {target}.")
    return redirect(page_of_button(request, reverse("home")))


@require_POST
def restart(request: PageRequest) -> HttpResponse:
    form = RestartForm(request.POST)
    if not form.is_valid():
        return render(request, "livetrading/replay.html", _menu(request, form), status=422)
    values = form.cleaned_data
    try:
        deleted = controls.restart(request.user, timezone.now(), confirm=values["confirm"], start=values["start"])
    except (controls.WrongValue, controls.NotConfirmed) as refusal:
        form.add_error("start" if isinstance(refusal, controls.WrongValue) else "confirm", str(refusal))
        return render(request, "livetrading/replay.html", _menu(request, form), status=422)
    except controls.NotControlled as refusal:
        messages.error(request, str(refusal))
        return redirect("livetrading:replay")
    gone = f" {counted(deleted, 'paper deployment')} deleted." if deleted else ""
    messages.success(request, f"The replay was restarted at {market_status().session}.{gone}")
    return redirect("home")


def _menu(request: PageRequest, restart_form: RestartForm, jump_form: JumpForm | None = None) -> dict[str, Any]:
    losses = controls.losses()
    restart_form.fields["confirm"].required = not losses.nothing  # as the page says it
    return {
        "replay": market_status(),
        "problem": controls.control_problem(request.user),
        "losses": losses,
        "first": FIRST_SESSION,
        "last": LAST_SESSION,
        "jump_form": jump_form or JumpForm(),
        "restart_form": restart_form,
    }
