"""The live trading page and the page of one live strategy."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from livetrading.life_forms import RaiseForm
from livetrading.models import LiveStrategy, SignalHistory
from livetrading.summaries import approvals, desk, signals, strategies
from livetrading.summaries.edits import done_to
from livetrading.summaries.evidence import carried_scorecards
from livetrading.summaries.limits import limits_of
from livetrading.summaries.promotion import compare
from livetrading.summaries.trades import by_day, latest_trades
from livetrading.views.shown_mode import mode_in_address
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import market_clock

STRATEGIES, RECENT, WORKING, ROWS = 25, 20, 50, 50


@require_safe
@vary_on_headers("HX-Request")
@mode_in_address
def dashboard(request: PageRequest) -> HttpResponse:
    user, now = request.user, market_clock().now()
    summary = desk.read_desk(user, now)
    page = Paginator(strategies.ordered(user), STRATEGIES).get_page(request.GET.get("page"))
    working = desk.working_orders(user.orders.all())
    context = {
        "desk": summary,
        "page": page,
        "rows": strategies.summarize_strategies(user, page, now, summary.account),
        "signals": signals.summarize_signals(signals.shown(user.signals.all())[:RECENT]),
        "orders": working[:WORKING],
        "order_count": working.count(),
        **_approvals(approvals.waiting_signals(user, now)),
    }
    template = "livetrading/_dashboard.html" if request.htmx else "livetrading/dashboard.html"
    return render(request, template, context)


@require_safe
@vary_on_headers("HX-Request")
def detail(request: PageRequest, pk: int) -> HttpResponse:
    origins = ("account", "strategy", "backtest", "candidate__run")
    strategy = get_object_or_404(request.user.live_strategies.select_related(*origins), pk=pk)
    (row,) = strategies.summarize_strategies(request.user, [strategy], market_clock().now())
    waiting = approvals.waiting_signals(request.user, market_clock().now()).filter(live_strategy=strategy)
    context = {
        "live": strategy,
        "row": row,
        "limits": limits_of(strategy),
        "edits": done_to(request.user, strategy),
        **_approvals(waiting),
        **_history(request, strategy),
    }
    if request.htmx:
        return render(request, "livetrading/_live_strategy.html", context)
    carried = carried_scorecards(request.user, [strategy]).get(strategy.pk)
    context |= {"evidence": carried, "comparison": compare(request.user, strategy), "raise_form": RaiseForm()}
    return render(request, "livetrading/live_strategy.html", context)


def _approvals(waiting: "QuerySet[SignalHistory]") -> dict[str, Any]:
    shown = list(waiting[: approvals.APPROVALS])
    return {"approvals": shown, "approval_count": waiting.count() if shown else 0}


def _history(request: PageRequest, strategy: LiveStrategy) -> dict[str, Any]:
    """One page of the selected list, and the length of each list."""
    user = request.user
    lists = {
        "signals": signals.shown(user.signals.filter(live_strategy=strategy)),
        "orders": user.orders.filter(live_strategy=strategy),
        "trades": latest_trades(user, strategy.mode).filter(live_strategy=strategy),
        "log": strategy.decisions.all(),
    }
    shown = request.GET.get("show", "")
    shown = shown if shown in lists else "signals"
    paginators = {name: Paginator(rows, ROWS) for name, rows in lists.items()}
    page = paginators[shown].get_page(request.GET.get("page"))
    return {
        "show": shown,
        "page": page,
        "tabs": [(name, paginator.count) for name, paginator in paginators.items()],
        "entries": signals.summarize_signals(page) if shown == "signals" else [],
        "days": by_day(page, lists["trades"]) if shown == "trades" else [],
    }
