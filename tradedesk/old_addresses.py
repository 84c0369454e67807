"""Addresses that the desk once had, or that people type: they lead to the pages of today and keep the query."""

from urllib.parse import quote

from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.urls import path, reverse
from django.views.decorators.http import require_safe


@require_safe
def moved(request: HttpRequest, to: str) -> HttpResponseRedirect:
    """to: the name of a page."""
    return _redirect(reverse(to), request.GET)


@require_safe
def live(request: HttpRequest, rest: str = "") -> HttpResponseRedirect:
    """The pages of live trades are those of all trades, in live mode."""
    query = request.GET.copy()
    query["mode"] = "live"
    below = quote(rest.strip("/"))
    return _redirect(f"{reverse('livetrading:trades')}{'/' if below else ''}{below}", query)


def _redirect(address: str, query: QueryDict) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{address}?{query.urlencode()}" if query else address)


old_addresses = [
    path("live", live),
    path("live/", live),
    path("live/<path:rest>", live),
    path("history", moved, {"to": "livetrading:trades"}),
    path("backtest", moved, {"to": "backtests:new"}),
    path("dashboard/backtests/defaults", moved, {"to": "backtests:defaults"}),
    path("dashboard/settings", moved, {"to": "accounts:settings"}),
]
