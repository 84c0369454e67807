"""The evidence of a backtest and of an optimizer's row: the page, and its panel while it is gathered."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRefresh

from backtests.evidence_report import report_of
from backtests.models import Backtest, Candidate
from backtests.services import evidence
from backtests.views.requests import PageRequest, wants_fragment


@require_safe
@vary_on_headers("HX-Request")
def backtest_evidence(request: PageRequest, pk: int) -> HttpResponse:
    backtests = request.user.backtests.select_related("evidence").filter(status=Backtest.Status.COMPLETED)
    return _page(request, get_object_or_404(backtests, pk=pk))


@require_safe
@vary_on_headers("HX-Request")
def candidate_evidence(request: PageRequest, pk: int) -> HttpResponse:
    rows = Candidate.objects.filter(run__user=request.user).select_related("run", "evidence")
    candidate = get_object_or_404(rows, pk=pk)
    if not wants_fragment(request):
        evidence.ask_for(candidate)
    return _page(request, candidate)


def _page(request: PageRequest, subject: Backtest | Candidate) -> HttpResponse:
    panel = evidence.panels(request.user, [subject])[subject.pk]
    context = {"panel": panel, "subject": subject}
    if wants_fragment(request):
        # Its own page has more to show than the panel, once it is there.
        address = (request.htmx.current_url_abs_path or "").partition("#")[0]
        if not panel.is_pending and address == request.path:
            return HttpResponseClientRefresh()
        return render(request, "backtests/evidence/_panel.html", context)
    return render(request, "backtests/evidence/evidence.html", context | {"report": report_of(subject)})
