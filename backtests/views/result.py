"""The page of a completed backtest: its tabs, and the parts of it that refresh alone."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django_htmx.http import HTMX_STOP_POLLING

from backtests.models import Backtest
from backtests.reports import backtest as report
from backtests.reports.buy_signals import describe_buy_signals
from backtests.reports.evidence_pictures import pictures_of
from backtests.reports.scorecard import Scorecard, scorecards
from backtests.reports.trades import closed_trades_page, trade_list
from backtests.views.requests import wants_fragment
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.library import find_series
from tradedesk.marketdata.models import BarSeries

# The tabs by their name in the address; the first one has none.
TABS = {
    "performance": "Performance",
    "trades": "Trades",
    "risk": "Risk",
    "evidence": "Evidence",
    "provenance": "Provenance",
}
PRICE, EQUITY = "price", "equity"


def show(request: PageRequest, backtest: Backtest) -> HttpResponse:
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "performance"
    context: dict[str, Any] = {"backtest": backtest, "daily": report.is_daily(backtest), "tab": tab}
    if wants_fragment(request):
        return _fragment(request, backtest, context)
    scorecard = scorecards(request.user, [backtest])[backtest.pk]
    series = find_series(backtest.user_id, backtest.symbols, backtest.timeframe)
    context |= {"scorecard": scorecard, "tabs": TABS, "buy_signals": describe_buy_signals(backtest.buy_signals)}
    context |= report.head_context(backtest, series)
    context |= _tab_context(request, backtest, tab, scorecard, series)
    return render(request, "backtests/backtest_detail.html", context)


def _fragment(request: PageRequest, backtest: Backtest, context: dict[str, Any]) -> HttpResponse:
    """One of the parts that refresh alone: the list beside the chart, the verdict or the evidence while it is
    computed, otherwise the table of the trades."""
    part = request.GET.get("part")
    if part == "list":
        context |= _list_context(request, backtest) | report.trades_context(backtest)
        return render(request, "backtests/_trade_list.html", context)
    if part in ("verdict", "evidence"):
        scorecard = scorecards(request.user, [backtest])[backtest.pk]
        context |= {"scorecard": scorecard, "pictures": pictures_of(scorecard)}
        status = 200 if scorecard.is_pending else HTMX_STOP_POLLING
        return render(request, f"backtests/_{part}.html", context, status=status)
    context |= _table_context(request, backtest)
    return render(request, "backtests/_trades.html", context)


def _tab_context(
    request: PageRequest, backtest: Backtest, tab: str, scorecard: Scorecard, series: dict[str, BarSeries]
) -> dict[str, Any]:
    """Only what the chosen tab shows is read."""
    if tab == "trades":
        return report.trades_context(backtest) | _table_context(request, backtest)
    if tab == "risk":
        return report.risk_context(backtest)
    if tab == "evidence":
        return {"pictures": pictures_of(scorecard)}
    if tab == "provenance":
        return report.provenance_context(backtest, series)
    return report.performance_context(backtest) | _list_context(request, backtest)


def _table_context(request: PageRequest, backtest: Backtest) -> dict[str, Any]:
    return {
        "trades": closed_trades_page(backtest, request.GET.get("sort", ""), request.GET.get("page")),
        "buy_signals": describe_buy_signals(backtest.buy_signals),
    }


def _list_context(request: PageRequest, backtest: Backtest) -> dict[str, Any]:
    """symbol: of the price chart. listed: the symbol of the trades beside it, "" for all."""
    trade = report.shown_trade(backtest, request.GET.get("trade"))
    symbol = trade.symbol if trade else request.GET.get("symbol", "")
    known = symbol in backtest.symbols
    listed = request.GET.get("of", "")
    listed = listed if listed in backtest.symbols else ""
    is_price = request.GET.get("view") == PRICE if "view" in request.GET else known
    return {
        "symbol": symbol if known else backtest.symbols[0],
        "view": PRICE if is_price else EQUITY,
        "shown_trade": trade,
        "listed": listed,
        "list": trade_list(backtest, listed, request.GET.get("page"), trade),
    }
