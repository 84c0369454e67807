"""The panel on the page of a series that says what of the user uses its bars."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from livetrading.summaries.series_uses import series_uses
from tradedesk.accounts.requests import PageRequest


@require_safe
def uses(request: PageRequest, symbol: str, timeframe: str) -> HttpResponse:
    context = {"uses": series_uses(request.user, symbol, timeframe), "symbol": symbol, "timeframe": timeframe}
    return render(request, "livetrading/_series_uses.html", context)
