"""The pages of one backtest: new, result, progress, charts."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseStopPolling

from backtests import charts, services
from backtests.forms import BacktestForm
from backtests.forms import backtest_draft as draft
from backtests.models import Backtest
from backtests.services.defaults import defaults_of
from backtests.views import result
from backtests.views.requests import find_by_id, wants_fragment
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.library import NoBars
from tradedesk.marketdata.store import DamagedBars
from tradedesk.rest.columns import columns_response

# Large fields of the optimizer run that the backtest was created from; this page does not show them.
UNUSED_RUN_FIELDS = [f"candidate__run__{name}" for name in ("provenance", "ranked_strategies", "histograms")]


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def backtest_new(request: PageRequest) -> HttpResponse:
    if request.method != "POST":
        return _new_form(request)
    form = BacktestForm(request.user, request.POST)
    if form.is_valid():
        try:
            backtest = services.create_backtest(request.user, **form.values(), wall_now=timezone.now())
        except services.InvalidBacktest as refusal:
            form.add_errors(refusal.errors)
        else:
            return redirect("backtests:detail", backtest.pk)
    strategy = form.cleaned_data.get("strategy")
    availability = draft.availability_of(strategy, request.POST.get("symbols", ""))
    context = {"form": form, "availability": availability, "has_strategy": request.user.strategies.exists()}
    return render(request, "backtests/backtest_new.html", context, status=422)


@require_safe
@vary_on_headers("HX-Request")
def backtest_detail(request: PageRequest, pk: int) -> HttpResponse:
    related = request.user.backtests.select_related("evidence", "candidate__run", "strategy")
    backtests = related.defer(*UNUSED_RUN_FIELDS)
    backtest = get_object_or_404(backtests, pk=pk)
    if backtest.status != Backtest.Status.COMPLETED:
        return render(request, "backtests/backtest_detail.html", {"backtest": backtest})
    return result.show(request, backtest)


@require_safe
def backtest_progress(request: PageRequest, pk: int) -> HttpResponse:
    """The progress fragment, polled every second; reloads the page when the backtest has ended."""
    backtest = _backtest(request, pk)
    if not request.htmx:
        return redirect("backtests:detail", pk)
    if backtest.is_finished:
        return HttpResponseStopPolling(headers={"HX-Refresh": "true"})
    return render(request, "backtests/_progress.html", {"backtest": backtest})


@require_POST
def backtest_cancel(request: PageRequest, pk: int) -> HttpResponse:
    if not services.cancel_backtest(_backtest(request, pk), timezone.now()):
        messages.info(request, "Nothing to cancel: the backtest has already ended.")
    return redirect("backtests:detail", pk)


@require_POST
def backtest_repeat(request: PageRequest, pk: int) -> HttpResponse:
    try:
        again = services.repeat_backtest(_backtest(request, pk), timezone.now())
    except (services.NothingToCompare, services.NoRoom) as refusal:
        messages.warning(request, str(refusal))
        return redirect("backtests:detail", pk)
    return redirect("backtests:detail", again.pk)


@require_safe
def backtest_chart(request: PageRequest, pk: int, draw: Callable[[Backtest], dict[str, Any]]) -> HttpResponseBase:
    """A chart that needs only the backtest; `draw` comes from the address."""
    return columns_response(request, draw(_backtest(request, pk)))


@require_safe
def backtest_price(request: PageRequest, pk: int) -> HttpResponseBase:
    backtest = _backtest(request, pk)
    symbol = request.GET.get("symbol", backtest.symbols[0])
    if symbol not in backtest.symbols:
        return JsonResponse(
            {"detail": f"This backtest has the symbols {', '.join(backtest.symbols)}."}, status=404
        )
    try:
        return columns_response(request, charts.price_chart(backtest, symbol))
    except (NoBars, DamagedBars) as refusal:
        return JsonResponse({"detail": str(refusal)}, status=404)


def _backtest(request: PageRequest, pk: int) -> Backtest:
    return get_object_or_404(request.user.backtests, pk=pk)


def _new_form(request: PageRequest) -> HttpResponse:
    """The form before it is sent: filled from a strategy, from another backtest or from what was typed so far."""
    source = find_by_id(request.user.backtests.all(), request.GET.get("backtest"))
    strategy = find_by_id(request.user.strategies.all(), request.GET.get("strategy"))
    strategy = strategy or (source.strategy if source else None) or request.user.strategies.first()
    typed = {name: request.GET[name] for name in BacktestForm.base_fields if name in request.GET}
    values, availability = draft.initial_values(strategy, source, typed, request.GET.get("preset", ""))
    form = BacktestForm(request.user, initial=defaults_of(request.user) | values)
    context = {"form": form, "availability": availability, "has_strategy": bool(strategy)}
    if not wants_fragment(request):
        return render(request, "backtests/backtest_new.html", context)
    if strategy is not None and typed.get("shown_strategy") != str(strategy.pk):
        shown = find_by_id(request.user.strategies.all(), typed.get("shown_strategy"))
        # Swapped into the form, which has the defaults of the strategy that it showed before.
        context["swapped"] = [
            form[name].as_widget(attrs={"hx-swap-oob": "true"})
            for name in sorted(draft.other_defaults(shown, strategy))
        ]
    return render(request, "backtests/_data_availability.html", context)
