"""Trades and open positions of one mode."""

from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from livetrading.summaries.account import read_account
from livetrading.summaries.trades import by_day, latest_trades, live_trade_rows
from tradedesk.accounts.models import Mode
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import market_clock
from tradedesk.rest.csv_files import csv_file

TRADES = 50


@require_safe
@vary_on_headers("HX-Request")
def trade_list(request: PageRequest) -> HttpResponse:
    user, mode = request.user, _mode(request)
    trades = latest_trades(user, mode)
    page = Paginator(trades, TRADES).get_page(request.GET.get("page"))
    context = {
        "mode": mode,
        "modes": Mode.choices,
        "account": read_account(user, mode, market_clock().now()),
        "page": page,
        "days": by_day(page, trades),
    }
    template = "livetrading/_trades.html" if request.htmx else "livetrading/trade_list.html"
    return render(request, template, context)


@require_safe
def trades_csv(request: PageRequest) -> StreamingHttpResponse:
    mode = _mode(request)
    return csv_file(request, f"trades-{mode}.csv", live_trade_rows(latest_trades(request.user, mode)))


def _mode(request: PageRequest) -> str:
    mode = request.GET.get("mode", request.user.mode)
    if mode not in Mode.values:
        raise BadRequest(f"mode must be {' or '.join(Mode.values)}.")
    return mode
