"""The data of the live charts: of a strategy, of a position, of a trade. Polled; 304 while nothing changes."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from livetrading.models.trade import trades_of
from livetrading.summaries.account import find_account
from livetrading.summaries.charts import position_chart, strategy_chart, trade_chart
from tradedesk.accounts.models import Mode
from tradedesk.accounts.requests import PageRequest
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.clock import market_clock
from tradedesk.marketdata.library import NoBars
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol
from tradedesk.rest.columns import columns_response


@require_safe
def of_strategy(request: PageRequest, pk: int) -> HttpResponseBase:
    live = get_object_or_404(request.user.live_strategies.select_related("account"), pk=pk)
    symbol = request.GET.get("symbol", live.symbols[0])
    if symbol not in live.symbols:
        return _not_found(f"This strategy trades {', '.join(live.symbols)}.")
    return _answer(request, lambda: strategy_chart(live, symbol, market_clock().now()))


@require_safe
def of_position(request: PageRequest, symbol: str) -> HttpResponseBase:
    """Of the active account in the user's mode, with the trades of all its strategies in the symbol."""
    account = find_account(request.user, request.user.mode)
    timeframe = request.GET.get("timeframe", Timeframe.DAY.value)
    try:
        symbol = clean_symbol(symbol)
    except InvalidSymbol:
        account = None
    if account is None or timeframe not in set(Timeframe):
        return _not_found("There is no such position.")
    return _answer(request, lambda: position_chart(account, symbol, timeframe, market_clock().now()))


@require_safe
def of_trade(request: PageRequest, mode: str, pk: int) -> HttpResponseBase:
    if mode not in Mode.values:
        raise Http404
    trades: Any = trades_of(request.user, mode)
    trade = get_object_or_404(trades.select_related("live_strategy"), pk=pk)
    return _answer(request, lambda: trade_chart(trade, market_clock().now()))


def _answer(request: HttpRequest, draw: Callable[[], dict[str, Any]]) -> HttpResponseBase:
    try:
        return columns_response(request, draw())
    except NoBars as refusal:
        return _not_found(str(refusal))


def _not_found(detail: str) -> JsonResponse:
    return JsonResponse({"detail": detail}, status=404)
