"""The order ticket: a page, its preview, and the button."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from livetrading.forms import TicketForm
from livetrading.models import BrokerAccount
from livetrading.pipeline.by_ticket import NotPlaced, place
from livetrading.pipeline.direct import act_without_workers
from livetrading.services.accounts import NoBroker, active_account
from livetrading.summaries.tickets import TicketPreview, order_message, preview_ticket
from livetrading.views.shown_mode import in_shown_mode, mode_in_address
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import market_clock, market_status, read_clocks


@require_http_methods(["GET", "HEAD", "POST"])
@in_shown_mode
@mode_in_address
def ticket(request: PageRequest) -> HttpResponse:
    mode, account = request.user.mode, _account(request)
    if request.method == "POST" and account is not None:
        form = TicketForm(request.POST, mode=mode)
        if form.is_valid() and form.is_confirmed() and _place(request, form, account):
            return redirect("livetrading:dashboard")
    else:
        form = TicketForm.prefilled(request.GET, mode)
    context = {"form": form, "account": account, "preview": _preview(request, form, account)}
    return render(request, "livetrading/order.html", context, status=422 if form.errors else 200)


@require_safe
def preview(request: PageRequest) -> HttpResponse:
    """The fragment that says what the typed order costs and what holds it back."""
    typed = {**request.GET.dict(), "order_key": "-"}  # the page does not send its key
    form, account = TicketForm(typed, mode=request.user.mode), _account(request)
    form.is_valid()  # without a complete ticket it says less
    context = {"form": form, "account": account, "preview": _preview(request, form, account)}
    return render(request, "livetrading/_order_preview.html", context)


@require_POST
@in_shown_mode
def open_account(request: PageRequest) -> HttpResponse:
    """Open the paper account, in which the first order is placed."""
    try:
        active_account(request.user.pk, request.user.mode, timezone.now())
    except NoBroker as error:
        messages.error(request, str(error))
    return redirect("livetrading:order")


def _place(request: PageRequest, form: TicketForm, account: BrokerAccount) -> bool:
    now, wall_now = read_clocks()
    try:
        orders = place(
            account,
            form.ticket(),
            by=request.user,
            now=now,
            wall_now=wall_now,
            key=form.cleaned_data["order_key"],
            ended=market_status().ended,
        )
    except NotPlaced as refusal:
        form.add_problems(refusal.problems)
        if refusal.code == "key":
            form.renew_key()
        return False
    if not form.ticket().buys:
        act_without_workers([account.pk], read_clocks)
    messages.success(request, order_message(orders))
    return True


def _account(request: PageRequest) -> BrokerAccount | None:
    active = request.user.broker_accounts.filter(mode=request.user.mode, active=True)
    return active.select_related("user", "paper_account").first()


def _preview(request: PageRequest, form: TicketForm, account: BrokerAccount | None) -> TicketPreview | None:
    if account is None:
        return None
    complete = form.is_bound and not form.errors
    values = form.cleaned_data if form.is_bound else form.initial
    symbol = str(values.get("symbol", "")).upper()
    ticket = form.ticket() if complete else None
    return preview_ticket(account, symbol, ticket, market_clock().now(), ended=market_status().ended)
