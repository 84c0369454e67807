"""The list of a user's backtests, and the deletion of one or several."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from backtests import services
from backtests.forms import BacktestFilters
from backtests.lists.filters import filter_backtests
from backtests.lists.selection import InvalidSelection, active_deployment_names, parse_id, selected
from backtests.lists.table import backtest_table
from backtests.models import Backtest
from backtests.views.requests import wants_fragment
from tradedesk.accounts.requests import PageRequest


@require_safe
@vary_on_headers("HX-Request")
def backtest_list(request: PageRequest) -> HttpResponse:
    filters = BacktestFilters(request.user, request.GET)
    filters.is_valid()
    found = filter_backtests(request.user.backtests.all(), **filters.values())
    table = backtest_table(found, request.GET.get("sort", ""), request.GET.get("page"))
    template = "backtests/_backtests.html" if wants_fragment(request) else "backtests/backtest_list.html"
    ticked = {parse_id(text) for text in request.GET.getlist("ids")}
    return render(request, template, {"filters": filters, "table": table, "page": table.page, "ticked": ticked})


@require_http_methods(["GET", "HEAD", "POST"])
def backtest_delete(request: PageRequest, pk: int) -> HttpResponse:
    return _delete(request, [get_object_or_404(request.user.backtests, pk=pk)])


@require_http_methods(["GET", "HEAD", "POST"])
def backtest_delete_several(request: PageRequest) -> HttpResponse:
    try:
        backtests = selected(request.user, request.GET.getlist("ids"))
    except InvalidSelection as refusal:
        messages.warning(request, f"Nothing was deleted. {refusal}")
        return redirect("backtests:list")
    if not backtests:
        messages.info(request, "Select the backtests to delete.")
        return redirect("backtests:list")
    return _delete(request, backtests)


def _delete(request: PageRequest, backtests: Sequence[Backtest]) -> HttpResponse:
    """GET shows the confirmation page, POST deletes."""
    if request.method != "POST":
        context = {"backtests": backtests, "deployments": active_deployment_names(backtests)}
        return render(request, "backtests/backtest_delete.html", context)
    for backtest in backtests:
        services.delete_backtest(backtest)
    one = len(backtests) == 1
    messages.success(request, f"{backtests[0]} deleted." if one else f"{len(backtests)} backtests deleted.")
    return redirect("backtests:list")
