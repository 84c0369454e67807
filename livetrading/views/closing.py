"""Sell positions, lots and the positions of a strategy, after one confirmation; cancel an order."""

import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from livetrading.control_forms import CloseForm, OutsideSaleForm
from livetrading.models import BrokerAccount, Order
from livetrading.pipeline.by_ticket import NotPlaced, sell_at_limit
from livetrading.pipeline.direct import act_without_workers
from livetrading.pipeline.outside_sales import NotRecorded, missing_shares, record_sale
from livetrading.services.closing import NotClosed, close_account, close_lot, close_position, close_strategy
from livetrading.services.order_cancel import NotCancelled, cancel_order
from livetrading.services.wording import counted
from livetrading.summaries.account import summarize_account
from livetrading.summaries.halt import when_sold
from livetrading.summaries.positions import OpenLot, with_trades
from livetrading.summaries.tickets import order_message
from livetrading.views.back import page_of_button
from livetrading.views.shown_mode import in_shown_mode
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import market_clock, read_clocks

# Sells these shares, all for None; a repeated key sells nothing more.
Close = Callable[[Decimal | None, str], list[Order]]
page_methods = require_http_methods(["GET", "HEAD", "POST"])


@page_methods
@in_shown_mode
def position(request: PageRequest, account_id: int, symbol: str) -> HttpResponse:
    account = _account(request, account_id)
    lots = [lot for lot in _lots(account) if lot.trade.symbol == symbol]
    now, wall_now = read_clocks()

    def close(quantity: Decimal | None, key: str) -> list[Order]:
        times = {"now": now, "wall_now": wall_now}
        return close_position(account, symbol, quantity, by=request.user, close_key=key, **times)

    return _confirmed(request, account, lots, symbol, close, which={"symbol": symbol})


@page_methods
@in_shown_mode
def lot(request: PageRequest, account_id: int, entry_id: uuid.UUID) -> HttpResponse:
    account = _account(request, account_id)
    lots = [lot for lot in _lots(account) if lot.trade.opening_order_id == entry_id]
    now, wall_now = read_clocks()

    def close(quantity: Decimal | None, key: str) -> list[Order]:
        times = {"now": now, "wall_now": wall_now}
        return close_lot(account, entry_id, quantity, by=request.user, close_key=key, **times)

    name = lots[0].trade.symbol if lots else "the position"
    return _confirmed(request, account, lots, name, close, which={"opening_order": entry_id})


@page_methods
@in_shown_mode
def everything(request: PageRequest, account_id: int) -> HttpResponse:
    account = _account(request, account_id)
    now, wall_now = read_clocks()

    def close(_: Decimal | None, __: str) -> list[Order]:
        return close_account(account, by=request.user, now=now, wall_now=wall_now)

    name = f"all positions of {account.name}"
    return _confirmed(request, account, _lots(account), name, close)


@page_methods
@in_shown_mode
def strategy(request: PageRequest, pk: int) -> HttpResponse:
    live = get_object_or_404(request.user.live_strategies.select_related("account"), pk=pk)
    lots = [lot for lot in _lots(_account(request, live.account_id)) if lot.trade.live_strategy_id == live.pk]
    now, wall_now = read_clocks()

    def close(_: Decimal | None, __: str) -> list[Order]:
        return close_strategy(live, by=request.user, now=now, wall_now=wall_now)

    name = f"the positions of “{live.name}”"
    return _confirmed(request, live.account, lots, name, close)


@page_methods
@in_shown_mode
def sold_outside(request: PageRequest, account_id: int, symbol: str) -> HttpResponse:
    """The page that books the shares which the broker holds less than the records as sold, at a price."""
    account = _account(request, account_id)
    form = OutsideSaleForm(request.POST if request.method == "POST" else None)
    now, wall_now = read_clocks()
    try:
        missing = missing_shares(account, symbol, now)
        if form.is_valid():
            record_sale(account, symbol, form.cleaned_data["price"], by=request.user, now=now, wall_now=wall_now)
            act_without_workers([account.pk], read_clocks)
            messages.success(request, f"{missing.normalize():f} {symbol} are booked as sold outside the desk.")
            return redirect("livetrading:dashboard")
    except NotRecorded as refusal:
        if not refusal.field:
            messages.warning(request, str(refusal))
            return redirect("livetrading:dashboard")
        form.add_error(refusal.field, str(refusal))
    context = {"form": form, "account": account, "symbol": symbol, "missing": missing}
    return render(request, "livetrading/sold_outside.html", context, status=422 if form.errors else 200)


@require_POST
@in_shown_mode
def cancel(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    order = get_object_or_404(request.user.orders, pk=pk)
    try:
        cancel_order(order, by=request.user, wall_now=read_clocks()[1])
        act_without_workers([order.account_id], read_clocks)
        order.refresh_from_db()
        messages.success(request, f"{order}: {order.get_state_display().lower()}.")
    except NotCancelled as refusal:
        messages.warning(request, str(refusal))
    return redirect(page_of_button(request, reverse("livetrading:dashboard")))


def _account(request: PageRequest, account_id: int) -> BrokerAccount:
    return get_object_or_404(request.user.broker_accounts.select_related("paper_account"), pk=account_id)


def _lots(account: BrokerAccount) -> list[OpenLot]:
    summary = summarize_account(account, market_clock().now())
    return with_trades([lot for each in summary.positions for lot in each.lots], account)


def _confirmed(
    request: PageRequest,
    account: BrokerAccount,
    lots: list[OpenLot],
    name: str,
    close: Close,
    *,
    which: Mapping[str, object] | None = None,
) -> HttpResponse:
    """The page that says what will be sold; after its button, the sale. which: the fields of the lots of one
    symbol, where some of the shares and a limit price can be chosen."""
    if not lots and request.method != "POST":
        # It may have been sold since the page with the link was made.
        messages.info(request, "There is nothing left to close.")
        return redirect("livetrading:dashboard")
    if request.method == "POST":
        form = CloseForm(request.POST)
        if form.is_valid() and _sold(request, account, lots, name, close, form, which):
            return redirect(_back(request, account))
    else:
        form = CloseForm(initial={"order_key": uuid.uuid4().hex})
    context = {
        "form": form,
        "lots": lots,
        "name": name,
        "in_parts": which is not None,
        "account": account,
        "shares": _shares(lots),
        "value": sum((each.market_value for each in lots), Decimal(0)),
        "when_sold": when_sold(account, market_clock().now()),
        "back": _back(request, account),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "livetrading/close.html", context, status=status)


def _sold(
    request: PageRequest,
    account: BrokerAccount,
    lots: list[OpenLot],
    name: str,
    close: Close,
    form: CloseForm,
    which: Mapping[str, object] | None,
) -> bool:
    """Whether the orders are made. Adds the errors to the form."""
    try:
        if which is not None and lots and form.is_limit():
            ticket = form.ticket(lots[0].trade.symbol, _shares(lots))
            now, wall_now = read_clocks()
            key = form.cleaned_data["order_key"]
            orders = sell_at_limit(account, ticket, which, by=request.user, now=now, wall_now=wall_now, key=key)
            text = order_message(orders)
        else:
            orders = close(
                None if which is None else form.cleaned_data["quantity"], form.cleaned_data["order_key"]
            )
            text = f"{counted(len(orders), 'order')} to close {name}."
    except NotClosed as refusal:
        form.add_error(refusal.field or None, str(refusal))
        return False
    except NotPlaced as refusal:
        form.add_problems(refusal.problems)
        return False
    act_without_workers([account.pk], read_clocks)
    messages.success(request, text)
    return True


def _shares(lots: list[OpenLot]) -> Decimal:
    return sum((each.quantity for each in lots), Decimal(0))


def _back(request: PageRequest, account: BrokerAccount) -> str:
    """The page with the link: the open positions of the trades page (?back=trades), or live trading."""
    if request.GET.get("back") == "trades":
        return f"{reverse('livetrading:trades')}?mode={account.mode}&tab=positions"
    return reverse("livetrading:dashboard")
