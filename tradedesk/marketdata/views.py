"""Pages: the list of bars, and the upload of bars."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from tradedesk.marketdata.forms import UploadForm
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.services import FILE_PROVIDER, import_bars

PAGE_SIZE = 50


@require_safe
def series_list(request: HttpRequest) -> HttpResponse:
    """For every logged-in user: bars belong to the desk, not to a user."""
    page = Paginator(BarSeries.objects.all(), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "marketdata/series_list.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """For administrators only: the strategies of all users trade on these bars."""
    if not request.user.is_staff:
        return render(request, "marketdata/upload_refused.html", status=403)
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if form.is_valid():
        values = form.cleaned_data
        try:
            imported = import_bars(
                values["file"].file,
                symbol=values["symbol"],
                timeframe=values["timeframe"],
                provider=FILE_PROVIDER,
                adjusted=values["adjusted"],
                replace=values["replace"],
                now=timezone.now(),
            )
        except ImportRefused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            messages.success(request, str(imported))
            return redirect("marketdata:list")
    return render(request, "marketdata/upload.html", {"form": form})
