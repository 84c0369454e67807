"""Pages: the list of bars."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tradedesk.marketdata.download_views import panels
from tradedesk.marketdata.library import visible_series
from tradedesk.marketdata.ownership import deleted_series

PAGE_SIZE = 50
# Deleted series that are listed.
DELETED = 20


@require_safe
def series_list(request: HttpRequest) -> HttpResponse:
    """The series that the user sees, and the deleted ones that the user may restore."""
    # PostgreSQL refuses a text with the character 0.
    symbol = request.GET.get("symbol", "").replace("\0", "").strip()[:15].upper()
    series = visible_series(request.user.pk).filter(symbol__startswith=symbol)
    page = Paginator(series, PAGE_SIZE).get_page(request.GET.get("page"))
    deleted = deleted_series(request.user)[:DELETED]
    context = {"page": page, "symbol": symbol, "deleted": deleted, **panels(request)}
    return render(request, "marketdata/series_list.html", context)
