"""Deploy to Live; start, pause and stop."""

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from backtests.models import Backtest, Candidate
from livetrading.forms import DeployForm
from livetrading.models import LiveStrategy
from livetrading.services import control as controls
from livetrading.services.deploy import AlreadyDeployed, DeployRefused, Source
from livetrading.services.deploy import deploy as deploy_source
from livetrading.summaries import strategies
from livetrading.summaries.deploy_toast import deployment_toast
from livetrading.views.back import page_of_button
from livetrading.views.shown_mode import in_shown_mode
from strategies.models import Strategy
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import market_clock


@require_POST
@in_shown_mode
def deploy(request: PageRequest) -> HttpResponse:
    form = DeployForm(request.POST)
    if not form.is_valid():
        raise BadRequest(
            "source must be strategy:<id>, backtest:<id> or candidate:<id>, deploy_key 1 to 64 characters."
        )
    source = form.find_source(request.user)
    try:
        live = deploy_source(
            request.user,
            source,
            now=market_clock().now(),
            wall_now=timezone.now(),
            deploy_key=form.cleaned_data["deploy_key"],
        )
    except AlreadyDeployed as refusal:
        url = reverse("livetrading:detail", args=[refusal.existing.pk])
        text = format_html('{} <a class="link-quiet" href="{}">Show the deployment</a>', str(refusal), url)
        messages.info(request, text)
        return redirect("livetrading:dashboard")
    except DeployRefused as refusal:
        messages.error(request, str(refusal))
        return redirect(_back(request, source))
    add_toast(request, live)
    return redirect("livetrading:dashboard")


def add_toast(request: PageRequest, live: LiveStrategy) -> None:
    level, text = deployment_toast(live)
    add_message = messages.success if level == "success" else messages.warning
    add_message(request, text)


@require_POST
@in_shown_mode
def control(request: PageRequest, pk: int, action: str) -> HttpResponse:
    """action: start, pause or stop. Returns the table row to htmx, otherwise redirects to the page of the
    button."""
    live = get_object_or_404(request.user.live_strategies.select_related("account"), pk=pk)
    now = market_clock().now()
    level, text = "success", ""
    try:
        live, held = controls.control(live, action, now, timezone.now())
        text = controls.controlled_message(live, held)
    except controls.ControlRefused as refusal:
        level, text = "warning", str(refusal)
    if not request.htmx:
        add_message = messages.success if level == "success" else messages.warning
        add_message(request, text)
        return redirect(_back(request, live))
    (row,) = strategies.summarize_strategies(request.user, [live], now)
    response = render(request, "livetrading/_strategy_row.html", {"row": row})
    return trigger_client_event(response, "toast", {"level": level, "text": text})


def _back(request: PageRequest, source: Source | LiveStrategy) -> str:
    """The page of the pressed button; otherwise the page of the source."""
    if isinstance(source, Candidate):
        return page_of_button(request, reverse("backtests:optimizer_run", args=[source.run_id]))
    pages = {Strategy: "strategies:detail", Backtest: "backtests:detail", LiveStrategy: "livetrading:detail"}
    return page_of_button(request, reverse(pages[type(source)], args=[source.pk]))
