"""The analysis of closed trades. Nothing here is polled: its figures change when trades are closed."""

from calendar import month_abbr
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from livetrading.forms import AnalysisFilters
from livetrading.summaries.analysis import analyse
from livetrading.summaries.analysis_charts import equity_columns, excursion_columns, r_columns
from livetrading.summaries.closed_trades import NEWEST, TradeFilter
from livetrading.summaries.excursions import NEWEST as NEWEST_EXCURSIONS
from livetrading.summaries.excursions import excursion_rows, read_excursions
from tradedesk.accounts.models import Mode
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import market_clock


@require_safe
def analysis(request: PageRequest) -> HttpResponse:
    mode, filters = mode_of(request), _filters(request)
    context: dict[str, Any] = {
        "mode": mode,
        "modes": Mode.choices,
        "filters": filters,
        "analysis": analyse(request.user, mode, TradeFilter(**filters.values())),
        "newest": NEWEST,
        "month_names": month_abbr[1:],
        "query": query_of(request, mode),
    }
    return render(request, "livetrading/analysis.html", context)


@require_safe
def excursions(request: PageRequest) -> HttpResponse:
    """The table of MAE and MFE, which needs the bars of all symbols: the page loads it once it is shown."""
    mode = mode_of(request)
    found = read_excursions(request.user, mode, _wanted(request), market_clock().now())
    context = {
        "excursions": found,
        "rows": excursion_rows(found),
        "newest": NEWEST_EXCURSIONS,
        "query": query_of(request, mode),
    }
    return render(request, "livetrading/_excursions.html", context)


@require_safe
def equity_json(request: PageRequest) -> JsonResponse:
    return JsonResponse(equity_columns(analyse(request.user, mode_of(request), _wanted(request))))


@require_safe
def r_json(request: PageRequest) -> JsonResponse:
    return JsonResponse(r_columns(analyse(request.user, mode_of(request), _wanted(request))))


@require_safe
def excursions_json(request: PageRequest) -> JsonResponse:
    now = market_clock().now()
    return JsonResponse(excursion_columns(read_excursions(request.user, mode_of(request), _wanted(request), now)))


def mode_of(request: PageRequest) -> str:
    """That of the address, or the user's own."""
    mode = request.GET.get("mode", request.user.mode)
    if mode not in Mode.values:
        raise BadRequest(f"mode must be {' or '.join(Mode.values)}.")
    return mode


def query_of(request: PageRequest, mode: str) -> str:
    """The address's query, with the mode that is shown: for the parts of the page."""
    query = request.GET.copy()
    query["mode"] = mode
    return query.urlencode()


def _filters(request: PageRequest) -> AnalysisFilters:
    filters = AnalysisFilters(request.user, mode_of(request), request.GET)
    filters.is_valid()
    return filters


def _wanted(request: PageRequest) -> TradeFilter:
    return TradeFilter(**_filters(request).values())
