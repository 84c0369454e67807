"""The list of a user's backtests, and what is done with several of them at once."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from backtests import services
from backtests.forms import BacktestFilters
from backtests.lists.filters import narrowed
from backtests.lists.listing import listing
from backtests.lists.selection import NotSelected, deployments_of, selected
from backtests.models import Backtest
from backtests.views.requests import wants_fragment
from tradedesk.accounts.requests import PageRequest


@require_safe
@vary_on_headers("HX-Request")
def backtest_list(request: PageRequest) -> HttpResponse:
    filters = BacktestFilters(request.user, request.GET)
    filters.is_valid()
    found = narrowed(request.user.backtests.all(), **filters.values())
    listed = listing(found, request.GET.get("sort", ""), request.GET.get("page"))
    template = "backtests/_backtests.html" if wants_fragment(request) else "backtests/backtest_list.html"
    return render(request, template, {"filters": filters, "listing": listed, "page": listed.page})


@require_http_methods(["GET", "HEAD", "POST"])
def backtest_delete(request: PageRequest, pk: int) -> HttpResponse:
    return _delete(request, [get_object_or_404(request.user.backtests, pk=pk)])


@require_http_methods(["GET", "HEAD", "POST"])
def backtest_delete_several(request: PageRequest) -> HttpResponse:
    try:
        backtests = selected(request.user, request.GET.getlist("ids"))
    except NotSelected as refusal:
        messages.warning(request, f"Nothing is deleted. {refusal}")
        return redirect("backtests:list")
    if not backtests:
        messages.info(request, "Select the backtests that are to be deleted.")
        return redirect("backtests:list")
    return _delete(request, backtests)


def _delete(request: PageRequest, backtests: Sequence[Backtest]) -> HttpResponse:
    """Asked for, and on a POST done."""
    if request.method != "POST":
        context = {"backtests": backtests, "deployments": deployments_of(backtests)}
        return render(request, "backtests/backtest_delete.html", context)
    for backtest in backtests:
        services.delete_backtest(backtest)
    one = len(backtests) == 1
    messages.success(request, f"{backtests[0]} is deleted." if one else f"{len(backtests)} backtests are deleted.")
    return redirect("backtests:list")
