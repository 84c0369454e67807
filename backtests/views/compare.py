"""The page that compares backtests."""

from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from backtests.charts import comparison_chart
from backtests.lists.selection import InvalidSelection, UnknownBacktest, known, selected
from backtests.reports.comparison import check_comparable, comparison_of
from tradedesk.accounts.requests import PageRequest
from tradedesk.rest.columns import columns_response


@require_safe
def backtest_compare(request: PageRequest) -> HttpResponse:
    ids = request.GET.getlist("ids")
    try:
        comparison = comparison_of(selected(request.user, ids))
    except InvalidSelection as refusal:
        context = {"refusal": str(refusal), "backtests": known(request.user, ids)}
        return render(request, "backtests/compare_refused.html", context, status=_status(refusal))
    joined = ",".join(str(backtest.pk) for backtest in comparison.backtests)
    return render(request, "backtests/compare.html", {"comparison": comparison, "ids": joined})


@require_safe
def backtest_compare_chart(request: PageRequest) -> HttpResponseBase:
    try:
        backtests = selected(request.user, request.GET.getlist("ids"))
        check_comparable(backtests)
    except InvalidSelection as refusal:
        return JsonResponse({"detail": str(refusal)}, status=_status(refusal))
    return columns_response(request, comparison_chart(backtests))


def _status(refusal: InvalidSelection) -> int:
    return 404 if isinstance(refusal, UnknownBacktest) else 422
