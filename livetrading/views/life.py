"""The pages of a live strategy's life: deploy with settings, edit, new version, stop, delete."""

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_safe

from livetrading.forms import DeployForm
from livetrading.life_forms import EditForm, NewLiveForm, NewVersionForm
from livetrading.models import LiveStrategy
from livetrading.services.control import ControlRefused, control, controlled_message
from livetrading.services.deletion import NotDeleted, delete_live
from livetrading.services.deploy import AlreadyDeployed, DeployRefused, Source, deploy
from livetrading.services.edit import EditRefused, edit, edited_message
from livetrading.services.new_version import Changes, deploy_new_version, new_version_message
from livetrading.summaries.deploy_settings import SettingsRisk, prefilled_values, settings_risk
from livetrading.summaries.strategies import summarize_strategies
from livetrading.views.deploy import add_toast
from livetrading.views.shown_mode import in_shown_mode
from strategies.kinds import kinds
from tradedesk.accounts.models import User
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import read_clocks

page_methods = require_http_methods(["GET", "HEAD", "POST"])


@page_methods
@in_shown_mode
def new(request: PageRequest) -> HttpResponse:
    """Without a source: the choice of the base strategy."""
    if request.method == "POST":
        form = NewLiveForm(request.POST)
        source = _source(request.user, request.POST.get("source", ""))
        if form.is_valid() and (live := _deployed(request, form, source)) is not None:
            return redirect("livetrading:detail", live.pk)
        return _new_page(request, form, source)
    if "source" not in request.GET:
        context = {"strategies": request.user.strategies.order_by("name", "pk")[:200]}
        return render(request, "livetrading/new_choice.html", context)
    source = _source(request.user, request.GET["source"])
    values = prefilled_values(source)
    form = NewLiveForm.prefilled(request.GET["source"], values.name, values.symbols, values.rules)
    return _new_page(request, form, source)


@require_safe
def risk(request: PageRequest) -> HttpResponse:
    """The fragment with the money at risk at the size that is typed."""
    source = _source(request.user, request.GET.get("source", ""))
    form = NewLiveForm(request.GET)
    form.is_valid()  # an invalid size is left out
    return render(request, "livetrading/_settings_risk.html", {"risk": _risk(request.user, source, form)})


@page_methods
@in_shown_mode
def change(request: PageRequest, pk: int) -> HttpResponse:
    live = _own(request, pk)
    form = EditForm.of(live, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        now, wall_now = read_clocks()
        try:
            edited = edit(live, form.changes(), now, wall_now, actor=request.user)
            messages.success(request, edited_message(edited))
            return redirect("livetrading:detail", live.pk)
        except EditRefused as refusal:
            form.add_errors(refusal.errors)
    return render(request, "livetrading/edit.html", {"live": live, "form": form})


@page_methods
@in_shown_mode
def new_version(request: PageRequest, pk: int) -> HttpResponse:
    live = _own(request, pk)
    kind = kinds().get(live.kind)
    if kind is None:
        messages.error(request, "The kind of this strategy is not installed: there can be no new version.")
        return redirect("livetrading:detail", live.pk)
    form = NewVersionForm(live, kind, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        values, (now, wall_now) = form.cleaned_data, read_clocks()
        changes = Changes(
            name=values["name"],
            parameters=form.parameters(),
            symbols=_symbols(values["symbols"]),
            check_interval=values["check_interval"],
            auto_execute=values["auto_execute"],
            rules=form.rules(),
            hand_over=values["hand_over"],
        )
        try:
            made = deploy_new_version(
                live, changes, now=now, wall_now=wall_now, deploy_key=values["deploy_key"], actor=request.user
            )
            messages.success(request, new_version_message(made))
            return redirect("livetrading:detail", made.live.pk)
        except DeployRefused as refusal:
            form.add_errors(refusal.errors)
    (row,) = summarize_strategies(request.user, [live], read_clocks()[0])
    context = {"live": live, "form": form, "row": row}
    return render(request, "livetrading/new_version.html", context)


@page_methods
@in_shown_mode
def stop(request: PageRequest, pk: int) -> HttpResponse:
    """Asks; when something is held, the answer may also be to close it."""
    live = _own(request, pk)
    now, wall_now = read_clocks()
    if request.method != "POST":
        (row,) = summarize_strategies(request.user, [live], now)
        return render(request, "livetrading/stop.html", {"live": live, "row": row})
    try:
        stopped = control(live, "stop", now, wall_now, actor=request.user)
        messages.success(request, controlled_message(*stopped))
    except ControlRefused as refusal:
        messages.warning(request, str(refusal))
    page = "livetrading:close_strategy" if "close" in request.POST else "livetrading:detail"
    return redirect(page, live.pk)


@page_methods
@in_shown_mode
def delete(request: PageRequest, pk: int) -> HttpResponse:
    live = _own(request, pk)
    if request.method == "POST":
        try:
            delete_live(live, *read_clocks(), actor=request.user)
        except NotDeleted as refusal:
            messages.warning(request, str(refusal))
            return redirect("livetrading:detail", live.pk)
        messages.success(request, f"“{live.name}” is deleted. Its signals, orders and trades stay.")
        return redirect("livetrading:dashboard")
    (row,) = summarize_strategies(request.user, [live], read_clocks()[0])
    return render(request, "livetrading/live_delete.html", {"live": live, "row": row})


def _own(request: PageRequest, pk: int) -> LiveStrategy:
    return get_object_or_404(request.user.live_strategies.select_related("account", "user"), pk=pk)


def _source(user: User, text: str) -> Source:
    form = DeployForm({"source": text, "deploy_key": "-"})
    if not form.is_valid():
        raise BadRequest("source must be strategy:<id>, backtest:<id> or candidate:<id>.")
    return form.find_source(user)


def _deployed(request: PageRequest, form: NewLiveForm, source: Source) -> LiveStrategy | None:
    """None when it is refused; the errors are then at their fields."""
    now, wall_now = read_clocks()
    try:
        live = deploy(
            request.user,
            source,
            now=now,
            wall_now=wall_now,
            deploy_key=form.cleaned_data["deploy_key"],
            symbols=_symbols(form.cleaned_data["symbols"]),
            name=form.cleaned_data["name"],
            settings=form.settings(),
        )
    except AlreadyDeployed as refusal:
        url = reverse("livetrading:detail", args=[refusal.existing.pk])
        link = format_html('{} <a class="link-quiet" href="{}">Show the deployment</a>', str(refusal), url)
        form.add_error(None, link)
        return None
    except DeployRefused as refusal:
        form.add_errors(refusal.errors)
        return None
    add_toast(request, live)
    return live


def _symbols(text: str) -> list[str]:
    return text.replace(",", " ").replace(";", " ").split()


def _new_page(request: PageRequest, form: NewLiveForm, source: Source) -> HttpResponse:
    context = {"form": form, "source": source, "risk": _risk(request.user, source, form)}
    return render(request, "livetrading/new.html", context)


def _risk(user: User, source: Source, form: NewLiveForm) -> SettingsRisk:
    values = form.cleaned_data if form.is_bound else form.initial
    return settings_risk(user, source, values.get("position_size_pct"), values.get("max_position_size"))
