"""Pages: the list of bars."""

from collections.abc import Iterable

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tradedesk.marketdata.download_views import panels
from tradedesk.marketdata.library import visible_series
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.ownership import deleted_series

PAGE_SIZE = 50
# Deleted series that are listed.
DELETED = 20


@require_safe
def series_list(request: HttpRequest) -> HttpResponse:
    """The series that the user sees, one of them with its chart, and the deleted ones that can be restored."""
    # PostgreSQL refuses a text with the character 0.
    symbol = request.GET.get("symbol", "").replace("\0", "").strip()[:15].upper()
    series = visible_series(request.user.pk).filter(symbol__startswith=symbol)
    page = Paginator(series, PAGE_SIZE).get_page(request.GET.get("page"))
    deleted = deleted_series(request.user)[:DELETED]
    context = {
        "page": page,
        "shown": _shown(page.object_list, request.GET.get("series", "")),
        "symbol": symbol,
        "deleted": deleted,
        **panels(request),
    }
    return render(request, "marketdata/series_list.html", context)


def _shown(listed: Iterable[BarSeries], asked: str) -> BarSeries | None:
    """The series of the page that was asked for, else its first."""
    every = list(listed)
    return next((series for series in every if str(series.pk) == asked), every[0] if every else None)
