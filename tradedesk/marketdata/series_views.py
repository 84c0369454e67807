"""Pages of one series: chart, gaps, downloads, deleting and restoring."""

from datetime import date

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tradedesk.marketdata.download_views import is_kept
from tradedesk.marketdata.export import CONTENT_TYPES, chunks_of, file_name
from tradedesk.marketdata.forms import RangeForm
from tradedesk.marketdata.library import NoBars, bars_of, find_series, visible_series
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.ownership import may_change, restorable_versions
from tradedesk.marketdata.quality import gaps
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.series import ALPACA, key_of
from tradedesk.marketdata.series_chart import between, series_chart
from tradedesk.marketdata.store import DamagedBars
from tradedesk.marketdata.undo import delete_range, delete_series, restore
from tradedesk.rest.columns import columns_response
from tradedesk.rest.downloads import download

GAPS = 20


@require_safe
def series_detail(request: HttpRequest, pk: int) -> HttpResponse:
    series = _series(request, pk)
    form = RangeForm(request.GET) if {"first", "last"} & request.GET.keys() else RangeForm()
    read = find_series(request.user.pk, [series.symbol], series.timeframe).get(series.symbol)
    context = {
        "series": series,
        "form": form,
        "chart_query": form.query,
        "read": read if read != series else None,
        "may_change": may_change(request.user, series),
        "version": restorable_versions(request.user).filter(**key_of(series)._asdict()).first(),
        "parts": len(series.parts),
        "is_downloaded": series.provider == ALPACA,
        "is_kept": series.provider == ALPACA and is_kept(request.user.pk, series),
    }
    return render(request, "marketdata/series_detail.html", context)


@require_safe
def series_chart_json(request: HttpRequest, pk: int) -> HttpResponseBase:
    series = _series(request, pk)
    first, last = _days(RangeForm(request.GET))
    try:
        bars = between(bars_of(series), first, last)
    except (NoBars, DamagedBars) as refusal:
        return JsonResponse({"detail": str(refusal)}, status=404)
    return columns_response(request, series_chart(bars, series.timeframe))


@require_safe
def series_gaps(request: HttpRequest, pk: int) -> HttpResponse:
    """The panel of the gaps, which the page loads with htmx, because it needs all bars."""
    series = _series(request, pk)
    try:
        found, problem = gaps(bars_of(series), series.timeframe), ""
    except (NoBars, DamagedBars) as refusal:
        found, problem = [], str(refusal)
    context = {
        "series": series,
        "gaps": sorted(found, key=lambda gap: -gap.count)[:GAPS],
        "gap_count": len(found),
        "missing": sum(gap.count for gap in found),
        "unit": found[0].note if found else "",
        "problem": problem,
    }
    return render(request, "marketdata/_gaps.html", context)


@require_safe
def series_download(request: HttpRequest, pk: int, file_format: str) -> HttpResponseBase:
    series = _series(request, pk)
    try:
        bars = bars_of(series)
    except (NoBars, DamagedBars) as refusal:
        messages.error(request, str(refusal))
        return redirect("marketdata:series", series.pk)
    chunks = chunks_of(bars, series.timeframe, file_format)
    return download(request, file_name(series, file_format), CONTENT_TYPES[file_format], chunks)


@require_http_methods(["GET", "HEAD", "POST"])
def series_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole series with `whole`, else a range of its bars."""
    series = _changeable(request, pk)
    form, refused = RangeForm(), ""
    if request.method == "POST":
        try:
            if "whole" in request.POST:
                delete_series(series, timezone.now())
                messages.success(request, f"{series} was deleted. It can be restored below.")
                return redirect("marketdata:list")
            form = RangeForm(request.POST, required=True)
            if form.is_valid():
                first, last = _days(form)
                deleted = delete_range(series, first, last, timezone.now())
                messages.success(request, f"{deleted:,} bars of {series} were deleted.")
                return _after_change(series)
        except ImportRefused as refusal:
            if form.is_bound and refusal.field in form.fields:
                form.add_error(refusal.field, str(refusal))
            else:
                refused = str(refusal)
    context = {"series": series, "form": form, "refused": refused}
    status = 422 if refused or form.errors else 200
    return render(request, "marketdata/series_delete.html", context, status=status)


@require_POST
def version_restore(request: HttpRequest, pk: int) -> HttpResponse:
    version = get_object_or_404(restorable_versions(request.user), pk=pk)
    try:
        series = restore(version, timezone.now())
    except ImportRefused as refusal:
        messages.error(request, str(refusal))
        stored = BarSeries.objects.filter(**key_of(version)._asdict()).first()
        return redirect("marketdata:series", stored.pk) if stored else redirect("marketdata:list")
    messages.success(request, f"{series} was restored: {series.count:,} bars.")
    return redirect("marketdata:series", series.pk)


def _series(request: HttpRequest, pk: int) -> BarSeries:
    return get_object_or_404(visible_series(request.user.pk), pk=pk)


def _changeable(request: HttpRequest, pk: int) -> BarSeries:
    series = _series(request, pk)
    if not may_change(request.user, series):
        raise PermissionDenied("Only administrators change series that all users see.")
    return series


def _after_change(series: BarSeries) -> HttpResponse:
    """The page of the series, or the list if no bar is left."""
    if BarSeries.objects.filter(pk=series.pk).exists():
        return redirect("marketdata:series", series.pk)
    return redirect("marketdata:list")


def _days(form: RangeForm) -> tuple[date | None, date | None]:
    """Both None for a form that is not valid."""
    return (form.cleaned_data["first"], form.cleaned_data["last"]) if form.is_valid() else (None, None)
