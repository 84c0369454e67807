"""The history of signals, with filters."""

from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from livetrading.forms import SignalFilters
from livetrading.models import SignalHistory
from livetrading.summaries.signal_list import filter_signals, signal_rows
from livetrading.summaries.signals import summarize_signals, with_orders
from tradedesk.accounts.requests import PageRequest
from tradedesk.rest.bounded_pages import BoundedPaginator
from tradedesk.rest.csv_files import csv_file

SIGNALS = 50


@require_safe
@vary_on_headers("HX-Request")
def signal_list(request: PageRequest) -> HttpResponse:
    filters, signals = _filtered(request)
    page = BoundedPaginator(signals, SIGNALS).get_page(request.GET.get("page"))
    context = {
        "filters": filters,
        "page": page,
        "entries": summarize_signals(page),
        "has_strategies": request.user.live_strategies.exists(),
        "query": request.GET.urlencode(),
    }
    # The back button asks with htmx, too, and wants the whole page.
    fragment = request.htmx and not request.htmx.history_restore_request
    return render(request, "livetrading/_signals.html" if fragment else "livetrading/signal_list.html", context)


@require_safe
def signals_csv(request: PageRequest) -> StreamingHttpResponse:
    """Exactly what the filters show, on all pages."""
    _, signals = _filtered(request)
    return csv_file(request, "signals.csv", signal_rows(signals))


def _filtered(request: PageRequest) -> tuple[SignalFilters, "QuerySet[SignalHistory]"]:
    filters = SignalFilters(request.user, request.GET)
    filters.is_valid()
    found = filter_signals(request.user.signals.all(), **filters.values())
    return filters, with_orders(found).select_related("decision")
