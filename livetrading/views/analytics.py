"""Analytics across strategies and accounts. Nothing here is polled."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from livetrading.summaries.analysis_charts import line_columns, session_columns
from livetrading.summaries.analytics import (
    Sessions,
    exposure_months,
    read_contributions,
    read_correlations,
    read_sessions,
    session_figures,
)
from livetrading.summaries.blocked import AFTER, NEWEST, read_blocked
from livetrading.summaries.closed_trades import TradeFilter, read_closed_trades
from livetrading.summaries.trade_costs import costs_by_strategy, costs_of
from livetrading.views.analysis import mode_of
from tradedesk.accounts.models import Mode
from tradedesk.accounts.requests import PageRequest
from tradedesk.core.co_movement import LEAST_SESSIONS
from tradedesk.marketdata.clock import market_clock

SIGNALS = 50


@require_safe
def overview(request: PageRequest) -> HttpResponse:
    user, mode = request.user, mode_of(request)
    sessions = read_sessions(user, mode)
    closed = read_closed_trades(user, mode, TradeFilter())
    context: dict[str, Any] = {
        "mode": mode,
        "modes": Mode.choices,
        "contributions": read_contributions(user, mode),
        "figures": session_figures(sessions),
        "correlations": read_correlations(user, mode, sessions),
        "months": exposure_months(sessions),
        "costs": costs_by_strategy(closed),
        "whole_costs": costs_of(closed),
        "costs_cut": closed.is_cut,
        "least_sessions": LEAST_SESSIONS,
    }
    return render(request, "livetrading/analytics.html", context)


@require_safe
def blocked(request: PageRequest) -> HttpResponse:
    mode = mode_of(request)
    found = read_blocked(request.user, mode, market_clock().now())
    context = {
        "mode": mode,
        "modes": Mode.choices,
        "blocked": found,
        "page": Paginator(found.signals, SIGNALS).get_page(request.GET.get("page")),
        "newest": NEWEST,
        "after": AFTER,
    }
    return render(request, "livetrading/blocked_signals.html", context)


@require_safe
def equity_json(request: PageRequest) -> JsonResponse:
    return JsonResponse(session_columns(_sessions(request)))


@require_safe
def exposure_json(request: PageRequest) -> JsonResponse:
    sessions = _sessions(request)
    return JsonResponse(line_columns("Exposure", sessions.day, 100 * sessions.exposure_fraction, 2))


def _sessions(request: PageRequest) -> Sessions:
    return read_sessions(request.user, mode_of(request))
