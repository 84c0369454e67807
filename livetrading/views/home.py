"""The home page: the account, what needs attention, what is held and what runs; and its equity curve."""

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from livetrading.services import examples
from livetrading.summaries import desk, signals
from livetrading.summaries.account import find_account
from livetrading.summaries.attention import read_attention
from livetrading.summaries.equity_curve import EquityCurve, Period, equity_columns, read_curve, read_periods
from livetrading.summaries.home import read_lists
from livetrading.summaries.trades import latest_trades
from livetrading.views.back import page_of_button
from livetrading.views.shown_mode import mode_in_address
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import market_clock
from tradedesk.rest.columns import columns_response

RECENT = 8


@require_safe
@vary_on_headers("HX-Request")
@mode_in_address
def home(request: PageRequest) -> HttpResponse:
    user, now = request.user, market_clock().now()
    summary = desk.read_desk(user, now)
    account = summary.account
    risk = account.risk
    week, month = read_periods(account.account, now) if account.account else (Period(), Period())
    context = {
        "desk": summary,
        "week": week,
        "month": month,
        "risk": risk,
        "risk_of_equity": risk.of_equity(account.equity),
    }
    if desk.has_activity(user, summary):
        context |= {
            "attention": read_attention(user, account, risk, now),
            "lists": read_lists(user, account, summary.strategies, now),
            "signals": signals.summarize_signals(signals.shown(user.signals.all())[:RECENT]),
            "trades": latest_trades(user, user.mode)[:RECENT],
        }
    else:
        context |= {
            "backtests": user.backtests.all()[:RECENT],
            "has_strategies": (strategies := user.strategies.count()) > 0,
            "strategy_count": strategies,
            "example": examples.example_of(user),
            "example_strategies": examples.unsaved(),
        }
    return render(request, "livetrading/_home.html" if request.htmx else "livetrading/home.html", context)


@require_safe
def equity_json(request: PageRequest) -> HttpResponseBase:
    """The equity curve of the active account, in columns."""
    account, now = find_account(request.user, request.user.mode), market_clock().now()
    curve = read_curve(account, now) if account else EquityCurve([], [], [], [])
    return columns_response(request, equity_columns(curve))


@require_POST
def load_examples(request: PageRequest) -> HttpResponse:
    loaded = examples.load_examples(request.user, timezone.now())
    if loaded.problem:
        messages.warning(request, loaded.problem)
    messages.success(request, str(loaded))
    return redirect(page_of_button(request, "home"))
