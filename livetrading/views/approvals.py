"""Execute or dismiss a signal that waits for an approval."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from livetrading.models import SignalHistory
from livetrading.pipeline.by_hand import NotExecuted, dismiss_signal, execute_signal
from livetrading.views.back import page_of_button
from livetrading.views.shown_mode import in_shown_mode
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import read_clocks


@require_POST
@in_shown_mode
def execute(request: PageRequest, pk: int) -> HttpResponse:
    signal = _own(request, pk)
    try:
        order = execute_signal(signal, *read_clocks())
        messages.success(request, f"The order to {order} is on its way.")
    except NotExecuted as refusal:
        messages.warning(request, f"{signal.get_side_display()} {signal.symbol} was not executed: {refusal}")
    return _back(request)


@require_POST
@in_shown_mode
def dismiss(request: PageRequest, pk: int) -> HttpResponse:
    signal = _own(request, pk)
    if dismiss_signal(signal, read_clocks()[1]):
        messages.success(request, f"{signal.get_side_display()} {signal.symbol} is dismissed.")
    else:
        messages.info(request, "This signal does not wait for an approval.")
    return _back(request)


def _own(request: PageRequest, pk: int) -> SignalHistory:
    return get_object_or_404(request.user.signals.select_related("live_strategy__account", "user"), pk=pk)


def _back(request: PageRequest) -> HttpResponse:
    return redirect(page_of_button(request, reverse("livetrading:dashboard")))
