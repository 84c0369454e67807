"""The trades page of one mode: its trades by day, its open positions, and on paper the results of backtests."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from backtests.lists.table import backtest_table
from backtests.models import Backtest
from livetrading.forms import TradeFilters
from livetrading.models.trade import trades_of
from livetrading.summaries.account import AccountSummary, read_account
from livetrading.summaries.positions import with_trades
from livetrading.summaries.trade_bars import bars_of_trades, marks_of
from livetrading.summaries.trade_days import days_of, rows_of
from livetrading.summaries.trade_list import (
    MOST_COUNTED,
    NEWEST,
    SORTS,
    count_up_to,
    filter_trades,
    in_order,
    trade_page,
)
from livetrading.summaries.trade_rows import trade_rows
from livetrading.summaries.trades import latest_trades
from tradedesk.accounts.models import Mode
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import market_clock, read_clocks
from tradedesk.marketdata.sessions import NEW_YORK
from tradedesk.rest.csv_files import csv_file

# Rows of a page: trades, and lots.
TRADES, LOTS = 50, 50
TABS = ("trading", "positions", "backtests")
# The columns of the table of backtests that this page shows, and where on a phone.
SHOWN = {
    "period": "max-sm:hidden",
    "strategy": "max-sm:hidden",
    "sharpe": "",
    "total_return": "",
    "max_drawdown": "",
}
# The part of the page that the filters replace; the region in it refreshes itself.
WHOLE = "trades-page"


@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def trade_list(request: PageRequest) -> HttpResponse:
    mode = _mode(request)
    now, wall_now = read_clocks()
    filters, trades = _filtered(request, mode)
    account = read_account(request.user, mode, now)
    done = request.user.backtests.filter(status=Backtest.Status.COMPLETED)
    context = {
        "mode": mode,
        "modes": Mode.choices,
        "tab": _tab(request, mode),
        "filters": filters,
        "account": account,
        "count": count_up_to(trades),
        "most": MOST_COUNTED,
        "backtest_count": count_up_to(done) if mode == Mode.PAPER else 0,
        "csv_query": _query_for_csv(request, mode),
        "updated": f"{wall_now.astimezone(NEW_YORK):%H:%M:%S}",
        # Also those of an account that is not the active one any more.
        "has_trades": account.performance.trades > 0 or latest_trades(request.user, mode).exists(),
    }
    match context["tab"]:
        case "positions":
            context |= _positions(request, account, now)
        case "backtests":
            table = backtest_table(done, request.GET.get("sort", ""), request.GET.get("page"))
            columns = {each.key: each for each in table.columns}
            shown = [replace(columns[key], css_class=where) for key, where in SHOWN.items()]
            context |= {"columns": shown, "page": table.page}
        case _:
            context |= _trades(request, account, trades, now)
    region = request.htmx and not request.htmx.history_restore_request and request.htmx.target != WHOLE
    return render(request, "livetrading/_trades.html" if region else "livetrading/trade_list.html", context)


@require_safe
def trades_csv(request: PageRequest) -> StreamingHttpResponse:
    """Exactly what the filters show, on all pages, in the order of the page."""
    mode, now = _mode(request), market_clock().now()
    _, trades = _filtered(request, mode)
    rows = trade_rows(request.user, mode, in_order(trades, _sort(request)), now)
    return csv_file(request, f"trades-{mode}.csv", rows)


@require_safe
@vary_on_headers("HX-Request")
def trade_detail(request: PageRequest, mode: str, pk: int) -> HttpResponse:
    """One trade with its chart: a page, and in a dialog of the list."""
    trade = _trade(request, mode, pk)
    now = market_clock().now()
    bars = bars_of_trades(request.user.pk, [trade], now).get((trade.symbol, trade.timeframe))
    context = {
        "trade": trade,
        "mode": mode,
        "row": rows_of(request.user.pk, [trade], now)[0],
        "marks": marks_of(trade, bars),
        "has_bars": bars is not None and len(bars) > 0,
    }
    return render(request, "livetrading/_trade.html" if request.htmx else "livetrading/trade.html", context)


def _trades(request: PageRequest, account: AccountSummary, trades: Any, now: datetime) -> dict[str, Any]:
    sort, after = _sort(request), request.GET.get("after", "")
    page = trade_page(trades, sort, after, TRADES)
    found = {"trades": page.trades, "older": page.older, "after": after, "sort": sort, "by_day": page.by_day}
    if page.by_day:
        return found | {"days": days_of(account.account, page.trades, trades, request.user.pk, now)}
    return found | {"rows": rows_of(request.user.pk, page.trades, now)}


def _positions(request: PageRequest, account: AccountSummary, now: datetime) -> dict[str, Any]:
    lots = [lot for position in account.positions for lot in position.lots]
    page = Paginator(lots, LOTS).get_page(request.GET.get("page"))
    lots = with_trades(list(page), account.account) if account.account else []
    rows = rows_of(request.user.pk, [lot.whole_trade for lot in lots], now)
    # A position of several lots has a row above its first one.
    heads = {each.lots[0].trade.pk: each for each in account.positions if len(each.lots) > 1}
    return {
        "page": page,
        "lots": [(heads.get(row.trade.pk), lot, row) for lot, row in zip(lots, rows, strict=True)],
    }


def _filtered(request: PageRequest, mode: str) -> tuple[TradeFilters, Any]:
    filters = TradeFilters(request.user, mode, request.GET)
    filters.is_valid()
    return filters, filter_trades(latest_trades(request.user, mode), **filters.values())


def _trade(request: PageRequest, mode: str, pk: int) -> Any:
    """Raises Http404, also for a trade of another user."""
    if mode not in Mode.values:
        raise Http404
    return get_object_or_404(trades_of(request.user, mode).select_related("live_strategy", "account"), pk=pk)


def _mode(request: PageRequest) -> str:
    mode = request.GET.get("mode", request.user.mode)
    if mode not in Mode.values:
        raise BadRequest(f"mode must be {' or '.join(Mode.values)}.")
    return mode


def _sort(request: PageRequest) -> str:
    sort = request.GET.get("sort", NEWEST)
    return sort if sort in SORTS else NEWEST


def _tab(request: PageRequest, mode: str) -> str:
    """Results of backtests belong to paper mode."""
    tab = request.GET.get("tab", TABS[0])
    known = tab in TABS and (tab != "backtests" or mode == Mode.PAPER)
    return tab if known else TABS[0]


def _query_for_csv(request: PageRequest, mode: str) -> str:
    """The filters and the order, without the place in the list."""
    query = request.GET.copy()
    query["mode"] = mode
    for name in ("after", "page", "tab"):
        query.pop(name, None)
    return query.urlencode()
