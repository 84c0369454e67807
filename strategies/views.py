"""The pages of a user's strategies."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from strategies import activity, check_report, services
from strategies.forms import StrategyForm
from strategies.kinds import InvalidParameters, kinds
from strategies.models import Strategy
from strategies.plugins import plugin_files
from tradedesk.accounts.requests import PageRequest
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.clock import market_clock
from tradedesk.marketdata.library import available_symbols, find_series

PAGE_SIZE = 24
LATEST = 10
SYMBOLS_ON_A_CARD = 8


@require_safe
def strategy_list(request: PageRequest) -> HttpResponse:
    strategies = activity.with_activity(request.user.strategies.all())
    page = Paginator(strategies, PAGE_SIZE).get_page(request.GET.get("page"))
    template = "strategies/_cards.html" if request.htmx else "strategies/strategy_list.html"
    context: dict[str, Any] = {"page": page, "cards": _cards(list(page))}
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
    strategy = get_object_or_404(request.user.strategies, pk=pk)
    if request.htmx:
        return render(request, "strategies/_activity.html", _activity(strategy))
    return render(request, "strategies/strategy_detail.html", _detail(strategy))


@require_safe
def strategy_checks(request: PageRequest, pk: int) -> HttpResponse:
    """The panel that the detail page loads after itself; without htmx, the detail page with the panel filled."""
    strategy = get_object_or_404(request.user.strategies, pk=pk)
    try:
        found = {"evidence": check_report.gather(strategy, market_clock().now()), "refusal": ""}
    except InvalidParameters as refusal:
        found = {"evidence": None, "refusal": str(refusal)}
    if request.htmx:
        return render(request, "strategies/_checks.html", {"strategy": strategy, "checked": True, **found})
    return render(request, "strategies/strategy_detail.html", _detail(strategy) | {"checked": True, **found})


@require_http_methods(["GET", "HEAD", "POST"])
def strategy_delete(request: PageRequest, pk: int) -> HttpResponse:
    strategy = get_object_or_404(request.user.strategies, pk=pk)
    if request.method == "POST":
        services.delete_strategy(strategy)
        messages.success(request, f"{strategy.name} is deleted.")
        return redirect("strategies:list")
    return render(
        request,
        "strategies/strategy_delete.html",
        {
            "strategy": strategy,
            "backtest_count": activity.backtests_of(strategy).count(),
            "running": activity.current_deployments_of(strategy),
        },
    )


def _cards(strategies: list[Strategy]) -> list[dict[str, Any]]:
    """Each strategy with its first symbols and whether they have bars: one query for each timeframe in use."""
    wanted: dict[str, set[str]] = {}
    for strategy in strategies:
        wanted.setdefault(strategy.timeframe, set()).update(strategy.symbols[:SYMBOLS_ON_A_CARD])
    found = {timeframe: find_series(sorted(symbols), timeframe) for timeframe, symbols in wanted.items()}
    return [
        {
            "strategy": strategy,
            "symbols": [
                (symbol, symbol in found[strategy.timeframe]) for symbol in strategy.symbols[:SYMBOLS_ON_A_CARD]
            ],
            "more": max(len(strategy.symbols) - SYMBOLS_ON_A_CARD, 0),
        }
        for strategy in strategies
    ]


def _form_page(request: PageRequest, strategy: Strategy | None) -> HttpResponse:
    if request.method == "POST":
        form = StrategyForm(request.POST, strategy=strategy)
        if form.asks_for_other_kind:
            form = form.redrawn()
        elif saved := form.save(request.user):
            messages.success(request, f"{saved.name} is saved.")
            return redirect("strategies:detail", saved.pk)
    else:
        form = StrategyForm(kind=request.GET.get("kind", ""), strategy=strategy)
        if request.htmx:
            return render(request, "strategies/_kind_fields.html", {"form": form})
    on_hand = [(timeframe.value, symbols) for timeframe in Timeframe if (symbols := available_symbols(timeframe))]
    running = activity.current_deployments_of(strategy) if strategy else []
    context = {"form": form, "strategy": strategy, "on_hand": on_hand, "running": running}
    return render(request, "strategies/strategy_form.html", context)


def _detail(strategy: Strategy) -> dict[str, Any]:
    series = find_series(strategy.symbols, strategy.timeframe)
    kind = kinds().get(strategy.kind)
    try:
        warmup, refusal = strategy.make_kind().warmup(), ""
    except InvalidParameters as error:
        warmup, refusal = None, str(error)
    return _activity(strategy) | {
        "kind": kind,
        "parameters": [(param, strategy.parameters.get(name)) for name, param in kind.params().items()]
        if kind
        else [],
        "warmup": warmup,
        "refusal": refusal,
        "series": [(symbol, series.get(symbol)) for symbol in strategy.symbols],
        "bars_hint": services.bars_hint(strategy.symbols, strategy.timeframe),
    }


def _activity(strategy: Strategy) -> dict[str, Any]:
    backtests = activity.backtests_of(strategy)
    return {
        "strategy": strategy,
        "backtests": backtests[:LATEST],
        "backtest_count": backtests.count(),
        "deployments": activity.deployments_of(strategy)[:LATEST],
    }
