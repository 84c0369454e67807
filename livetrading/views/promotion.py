"""Promote a paper deployment to a live one, and raise the size of the live one."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from livetrading.life_forms import PromoteForm, RaiseForm
from livetrading.models import LiveStrategy
from livetrading.services import promotion as promotions
from livetrading.services.deploy import AlreadyDeployed, DeployRefused
from livetrading.summaries.promotion import Offer, first_size, offer_of
from livetrading.views.shown_mode import in_shown_mode
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import market_clock, read_clocks


@require_http_methods(["GET", "HEAD", "POST"])
@in_shown_mode
def promote(request: PageRequest, pk: int) -> HttpResponse:
    paper = _own(request, pk)
    form = PromoteForm(request.POST) if request.method == "POST" else PromoteForm.prefilled()
    if request.method == "POST" and form.is_valid():
        now, wall_now = read_clocks()
        try:
            live = promotions.promote(
                paper, form.stages(), now=now, wall_now=wall_now, deploy_key=form.cleaned_data["deploy_key"]
            )
            messages.success(request, promotions.promoted_message(live))
            return redirect("livetrading:detail", live.pk)
        except AlreadyDeployed as refusal:
            url = reverse("livetrading:detail", args=[refusal.existing.pk])
            link = format_html('{} <a class="link-quiet" href="{}">Show the deployment</a>', str(refusal), url)
            form.add_error(None, link)
        except DeployRefused as refusal:
            for name, message in refusal.errors.items():
                form.add_error(name if name in form.fields else None, message)
    offer = offer_of(request.user, paper)
    context = {"live": paper, "form": form, "offer": offer, "size": _size(request, paper, form, offer)}
    return render(request, "livetrading/promote.html", context)


@require_safe
def size(request: PageRequest, pk: int) -> HttpResponse:
    """The fragment with the button, for the part of the size that is typed."""
    paper, form = _own(request, pk), PromoteForm(request.GET)
    form.is_valid()  # an invalid part is left out
    offer = offer_of(request.user, paper)
    context = {"live": paper, "offer": offer, "size": _size(request, paper, form, offer)}
    return render(request, "livetrading/_promote_size.html", context)


@require_POST
@in_shown_mode
def raise_size(request: PageRequest, pk: int) -> HttpResponse:
    live, form = _own(request, pk), RaiseForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(map(str, form.errors["fraction"])))
        return redirect("livetrading:detail", live.pk)
    try:
        raised = promotions.raise_size(live, form.cleaned_data["fraction"], *read_clocks())
        messages.success(request, promotions.raised_message(raised))
    except promotions.RaiseRefused as refusal:
        messages.warning(request, str(refusal))
    return redirect("livetrading:detail", live.pk)


def _own(request: PageRequest, pk: int) -> LiveStrategy:
    rows = ("account", "user", "backtest", "candidate__run")
    return get_object_or_404(request.user.live_strategies.select_related(*rows), pk=pk)


def _size(request: PageRequest, paper: LiveStrategy, form: PromoteForm, offer: Offer) -> object:
    """None for an invalid part."""
    fraction = (form.cleaned_data if form.is_bound else form.initial).get("fraction")
    if fraction is None:
        return None
    return first_size(request.user, paper, fraction, offer.equity, market_clock().now())
