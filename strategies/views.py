"""The pages of a user's strategies: list, one strategy with its form and preview, checks and delete."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from strategies import activity, services
from strategies.check_report import check_report_of
from strategies.forms import StrategyForm
from strategies.kinds import InvalidParameters, kinds, plugin_of
from strategies.models import Strategy
from strategies.plugins import plugin_files
from strategies.preview import PreviewLate, PreviewRefused, preview
from strategies.preview_form import PreviewForm
from tradedesk.accounts.requests import PageRequest
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.clock import market_clock
from tradedesk.marketdata.library import available_symbols, download_query, find_series
from tradedesk.rest.columns import columns_response

PAGE_SIZE = 24
LATEST = 10
SYMBOLS_IN_A_ROW = 3
# Symbols that the field of the preview suggests.
SUGGESTED = 200
PAGE = "strategies/strategy.html"


@require_safe
def strategy_list(request: PageRequest) -> HttpResponse:
    """The user's strategies and, below them, the plugin files; with htmx only the table."""
    strategies = activity.with_activity(request.user.strategies.all())
    page = Paginator(strategies, PAGE_SIZE).get_page(request.GET.get("page"))
    template = "strategies/_table.html" if request.htmx else "strategies/strategy_list.html"
    context: dict[str, Any] = {"page": page, "rows": _rows(request.user.pk, list(page))}
    if not request.htmx:
        context |= {"plugin_files": plugin_files(), "plugin_folder": settings.STRATEGY_DIR}
    return render(request, template, context)


@require_http_methods(["GET", "HEAD", "POST"])
def strategy_new(request: PageRequest) -> HttpResponse:
    return _form_page(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
def strategy_edit(request: PageRequest, pk: int) -> HttpResponse:
    return _form_page(request, get_object_or_404(request.user.strategies, pk=pk))


@require_safe
def strategy_detail(request: PageRequest, pk: int) -> HttpResponse:
    """One strategy; with htmx only its evidence, or its life line, backtests and deployments."""
    strategy = get_object_or_404(request.user.strategies, pk=pk)
    if request.htmx and (request.htmx.target or "").startswith("evidence-"):
        return render(request, "livetrading/_evidence_panel.html", {"strategy": strategy})
    if request.htmx:
        return render(request, "strategies/_activity.html", _activity(strategy))
    return render(request, PAGE, _page(request, StrategyForm(strategy=strategy), strategy))


@require_safe
def strategy_preview(request: PageRequest) -> HttpResponseBase:
    """The chart of the rules in the query, saved or not, or the errors of the fields, as any form is answered."""
    form = PreviewForm(request.GET)
    try:
        if not form.is_valid():
            raise PreviewRefused(form.messages())
        return columns_response(request, preview(request.user.pk, **form.wanted(), now=market_clock().now()))
    except PreviewRefused as refusal:
        return JsonResponse({"detail": str(refusal), "errors": refusal.errors})
    except PreviewLate:
        late = "The desk is busy, and the preview takes longer."
        return JsonResponse({"detail": late}, status=503, headers={"Retry-After": "2"})


@require_safe
def strategy_checks(request: PageRequest, pk: int) -> HttpResponse:
    """The checks panel, which the page of the strategy loads with htmx; without htmx that page with this panel."""
    strategy = get_object_or_404(request.user.strategies, pk=pk)
    context: dict[str, Any] = {"strategy": strategy, "checks_done": True, "parameters_error": "", "report": None}
    if plugin_of(strategy.kind) is not None:
        context["is_plugin"] = True
    else:
        try:
            context["report"] = check_report_of(strategy, market_clock().now())
        except InvalidParameters as error:
            context["parameters_error"] = str(error)
    if request.htmx:
        return render(request, "strategies/_checks.html", context)
    return render(request, PAGE, _page(request, StrategyForm(strategy=strategy), strategy) | context)


@require_http_methods(["GET", "HEAD", "POST"])
def strategy_delete(request: PageRequest, pk: int) -> HttpResponse:
    strategy = get_object_or_404(request.user.strategies, pk=pk)
    if request.method == "POST":
        services.delete_strategy(strategy)
        messages.success(request, f"{strategy.name} was deleted.")
        return redirect("strategies:list")
    return render(
        request,
        "strategies/strategy_delete.html",
        {
            "strategy": strategy,
            "backtest_count": activity.backtests_of(strategy).count(),
            "deployments": activity.current_deployments_of(strategy),
        },
    )


def _rows(user_id: int, strategies: list[Strategy]) -> list[dict[str, Any]]:
    """Each strategy with its first symbols and whether they have bars; one query for each timeframe in use."""
    wanted: dict[str, set[str]] = {}
    for strategy in strategies:
        wanted.setdefault(strategy.timeframe, set()).update(strategy.symbols[:SYMBOLS_IN_A_ROW])
    found = {timeframe: find_series(user_id, sorted(symbols), timeframe) for timeframe, symbols in wanted.items()}
    return [
        {
            "strategy": strategy,
            "symbols": [
                (symbol, symbol in found[strategy.timeframe]) for symbol in strategy.symbols[:SYMBOLS_IN_A_ROW]
            ],
            "more": max(len(strategy.symbols) - SYMBOLS_IN_A_ROW, 0),
        }
        for strategy in strategies
    ]


def _form_page(request: PageRequest, strategy: Strategy | None) -> HttpResponse:
    if request.method == "POST":
        form = StrategyForm(request.POST, strategy=strategy)
        if form.kind_changed:
            form = form.with_new_kind()
        elif saved := form.save(request.user):
            messages.success(request, f"{saved.name} was saved.")
            return redirect("strategies:detail", saved.pk)
    else:
        form = StrategyForm(kind=request.GET.get("kind", ""), strategy=strategy)
        if request.htmx:
            return render(request, "strategies/_kind_fields.html", {"form": form})
    return render(request, PAGE, _page(request, form, strategy))


def _page(request: PageRequest, form: StrategyForm, strategy: Strategy | None) -> dict[str, Any]:
    """The page of a strategy, or of a new one."""
    available = {
        timeframe.value: symbols
        for timeframe in Timeframe
        if (symbols := available_symbols(request.user.pk, timeframe))
    }
    context: dict[str, Any] = {
        "form": form,
        "strategy": strategy,
        "available": list(available.items()),
        "timeframes": [timeframe.value for timeframe in Timeframe],
        "suggested": sorted({symbol for symbols in available.values() for symbol in symbols[:SUGGESTED]})[
            :SUGGESTED
        ],
    }
    if strategy is None:
        return context
    return context | _detail(strategy) | {"running": activity.current_deployments_of(strategy)}


def _detail(strategy: Strategy) -> dict[str, Any]:
    series = find_series(strategy.user_id, strategy.symbols, strategy.timeframe)
    warmup, parameters_error = None, ""
    if plugin_of(strategy.kind) is None:
        try:
            warmup = strategy.make_kind().warmup()
        except InvalidParameters as error:
            parameters_error = str(error)
    return _activity(strategy) | {
        "kind": kinds().get(strategy.kind),
        "warmup": warmup,
        "parameters_error": parameters_error,
        "series": [(symbol, series.get(symbol)) for symbol in strategy.symbols],
        "bars_hint": services.bars_hint(strategy.user_id, strategy.symbols, strategy.timeframe),
        "download_query": download_query((s for s in strategy.symbols if s not in series), strategy.timeframe),
    }


def _activity(strategy: Strategy) -> dict[str, Any]:
    backtests = activity.backtests_of(strategy)
    return {
        "strategy": strategy,
        "backtests": backtests[:LATEST],
        "backtest_count": backtests.count(),
        "deployments": activity.deployments_of(strategy)[:LATEST],
    }
