"""A live strategy beside its backtest: the curves for the chart, and the nights."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from livetrading.models import Comparison, DecisionReplay, LiveStrategy
from livetrading.summaries.comparison import chart_columns, read_nights
from tradedesk.accounts.requests import PageRequest
from tradedesk.rest.columns import columns_response

NIGHTS = 25


@require_safe
def curves(request: PageRequest, pk: int) -> HttpResponseBase:
    """The columns of the chart, a row for each session; without any while they are computed."""
    row = Comparison.objects.filter(live_strategy=_own(request, pk)).first()
    return columns_response(request, chart_columns(row.columns if row else {}))


@require_safe
def decisions(request: PageRequest, pk: int) -> HttpResponse:
    """Each night with decisions, and what differed."""
    live = _own(request, pk)
    rows = DecisionReplay.objects.filter(live_strategy=live).exclude(decisions=0, fills=0, error="")
    if request.GET.get("show") == "differences":
        rows = rows.filter(differences__isnull=False).distinct()
    page = Paginator(rows.prefetch_related("differences"), NIGHTS).get_page(request.GET.get("page"))
    context = {"live": live, "page": page, "nights": read_nights(live), "show": request.GET.get("show", "")}
    return render(request, "livetrading/decisions.html", context)


def _own(request: PageRequest, pk: int) -> LiveStrategy:
    return get_object_or_404(request.user.live_strategies.select_related("account"), pk=pk)
