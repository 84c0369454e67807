"""The live trading page and the page of one live strategy."""

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from livetrading.life_forms import RaiseForm
from livetrading.models import BarDecision, ComparedFill, LiveStrategy, SignalHistory
from livetrading.summaries import approvals, desk, signals, strategies
from livetrading.summaries.comparison import read_comparison
from livetrading.summaries.deploy_toast import evidence_doubt
from livetrading.summaries.edits import done_to
from livetrading.summaries.evidence import carried_scorecards
from livetrading.summaries.limits import limits_of
from livetrading.summaries.positions import first_lots
from livetrading.summaries.promotion import compare
from livetrading.summaries.running import light_of, read_sessions, running_rows
from livetrading.summaries.trades import by_day, latest_trades
from livetrading.views.shown_mode import mode_in_address
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import market_clock
from tradedesk.rest.bounded_pages import BoundedPaginator

STRATEGIES, RECENT, WORKING, ROWS, LOTS = 25, 20, 25, 50, 20
TABS = {"positions": "Positions", "orders": "Orders", "signals": "Signals", "log": "Log"}


@require_safe
@vary_on_headers("HX-Request")
@mode_in_address
def dashboard(request: PageRequest) -> HttpResponse:
    user, now = request.user, market_clock().now()
    summary = desk.read_desk(user, now)
    page = Paginator(strategies.ordered(user), STRATEGIES).get_page(request.GET.get("page"))
    rows = strategies.summarize_strategies(user, page, now, summary.account)
    context = {
        "desk": summary,
        "page": page,
        "rows": rows,
        "listed": running_rows(rows, summary.account, read_sessions(user.pk, summary.account, now))
        if rows
        else [],
        **_tabs(request, summary, rows),
        **_approvals(approvals.waiting_signals(user, now)),
    }
    context["chart_url"] = _chart_url(summary, rows)
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
        "beside": read_comparison(strategy),
        **dict(zip(("state", "light"), light_of(strategy), strict=True)),
        "positions": first_lots(row.positions, LOTS, strategy.account),
        "more_lots": max(0, len(row.lots) - LOTS),
        "edits": done_to(request.user, strategy),
        **_approvals(waiting),
        **_history(request, strategy),
    }
    if request.htmx:
        return render(request, "livetrading/_live_strategy.html", context)
    context["symbol"] = row.chart_symbol
    context["view"] = "price" if request.GET.get("view") == "price" else "pnl"
    carried = carried_scorecards(request.user, [strategy]).get(strategy.pk)
    context |= {"evidence": carried, "evidence_doubt": evidence_doubt(strategy, carried)}
    context |= {"comparison": compare(request.user, strategy), "raise_form": RaiseForm()}
    return render(request, "livetrading/live_strategy.html", context)


def _tabs(
    request: PageRequest, summary: desk.DeskSummary, rows: list[strategies.StrategySummary]
) -> dict[str, Any]:
    """What stands below the chart: only the rows of the chosen tab are read."""
    user, show = request.user, request.GET.get("show", "")
    show = show if show in TABS else "positions"
    working = desk.working_orders(user.orders.filter(account__mode=user.mode))
    order_count = working.count()
    lots = [lot for position in summary.account.positions for lot in position.lots]
    held = len(summary.account.positions)
    counts = {"positions": held, "orders": order_count, "signals": summary.signals_today, "log": None}
    found: dict[str, Any] = {"show": show, "order_count": order_count}
    found["tabs"] = [(name, label, counts[name]) for name, label in TABS.items()]
    if show == "positions":
        found["positions"] = first_lots(summary.account.positions, LOTS, summary.account.account)
        found["more_lots"] = max(0, len(lots) - LOTS)
    elif show == "orders":
        found["orders"] = working[:WORKING]
    elif show == "signals":
        found["signals"] = signals.summarize_signals(signals.shown(user.signals.all())[:RECENT])
    elif show == "log":
        decisions = BarDecision.objects.filter(
            live_strategy__user=user, live_strategy__in=[row.live for row in rows]
        )
        found["decisions"] = decisions.select_related("live_strategy")[:ROWS]
    return found


def _chart_url(summary: desk.DeskSummary, rows: list[strategies.StrategySummary]) -> str:
    """What the chart opens on: a strategy that holds shares, any strategy, a position; "" without them."""
    shown = next((row for row in rows if row.lots), rows[0] if rows else None)
    if shown is not None:
        url = reverse("livetrading:strategy_chart", args=[shown.live.pk])
        return f"{url}?{urlencode({'symbol': shown.chart_symbol})}"
    held = next(iter(summary.account.positions), None)
    return reverse("livetrading:position_chart", args=[held.symbol]) if held else ""


def _approvals(waiting: "QuerySet[SignalHistory]") -> dict[str, Any]:
    shown = list(waiting[: approvals.APPROVALS])
    return {"approvals": shown, "approval_count": waiting.count() if shown else 0}


def _fills(request: PageRequest, strategy: LiveStrategy) -> "QuerySet[ComparedFill]":
    rows = ComparedFill.objects.filter(comparison__live_strategy=strategy)
    return rows.exclude(match=ComparedFill.Match.IDENTICAL) if "differences" in request.GET else rows


def _history(request: PageRequest, strategy: LiveStrategy) -> dict[str, Any]:
    """One page of the selected list, and the length of each list."""
    user = request.user
    lists = {
        "signals": signals.shown(user.signals.filter(live_strategy=strategy)),
        "orders": user.orders.filter(live_strategy=strategy),
        "trades": latest_trades(user, strategy.mode).filter(live_strategy=strategy),
        "log": strategy.decisions.all(),
        "fills": _fills(request, strategy),
    }
    shown = request.GET.get("show", "")
    shown = shown if shown in lists else "signals"
    paginators = {name: BoundedPaginator(rows, ROWS) for name, rows in lists.items()}
    page = paginators[shown].get_page(request.GET.get("page"))
    return {
        "show": shown,
        "page": page,
        "only_differences": "differences" in request.GET,
        "tabs": [(name, paginator.count_text) for name, paginator in paginators.items()],
        "entries": signals.summarize_signals(page) if shown == "signals" else [],
        "days": by_day(page, lists["trades"]) if shown == "trades" else [],
    }
