"""The home page: account, positions, signals, trades, backtests and notifications of a user."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from livetrading.summaries import desk, signals
from livetrading.summaries.trades import latest_trades
from livetrading.views.shown_mode import mode_in_address
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import market_clock

RECENT = 8


@require_safe
@vary_on_headers("HX-Request")
@mode_in_address
def home(request: PageRequest) -> HttpResponse:
    user = request.user
    context = {
        "desk": desk.read_desk(user, market_clock().now()),
        "signals": signals.summarize_signals(signals.shown(user.signals.all())[:RECENT]),
        "trades": latest_trades(user, user.mode)[:RECENT],
        "backtests": user.backtests.all()[:RECENT],
        "notifications": user.notifications.all()[:RECENT],
        "has_strategies": user.strategies.exists(),
    }
    return render(request, "livetrading/_home.html" if request.htmx else "livetrading/home.html", context)
