"""The evidence of a backtest and of an optimizer's row: the page, and its panel while it is gathered."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from backtests.evidence_report import report_of
from backtests.models import Backtest, Candidate
from backtests.services import evidence
from backtests.services.queue import enqueue_candidate_evidence
from backtests.views.requests import PageRequest, wants_fragment


@require_safe
def backtest_evidence(request: PageRequest, pk: int) -> HttpResponse:
    backtests = request.user.backtests.select_related("evidence").filter(status=Backtest.Status.COMPLETED)
    return _page(request, get_object_or_404(backtests, pk=pk))


@require_safe
def candidate_evidence(request: PageRequest, pk: int) -> HttpResponse:
    """Rows below the best are examined when somebody asks for them."""
    rows = Candidate.objects.filter(run__user=request.user).select_related("run", "evidence")
    candidate = get_object_or_404(rows, pk=pk)
    if not hasattr(candidate, "evidence") and not wants_fragment(request):
        enqueue_candidate_evidence(candidate.pk)
    return _page(request, candidate)


def _page(request: PageRequest, subject: Backtest | Candidate) -> HttpResponse:
    panel = evidence.panels(request.user, [subject])[subject.pk]
    context = {"panel": panel, "subject": subject}
    if wants_fragment(request):
        return render(request, "backtests/evidence/_panel.html", context)
    return render(request, "backtests/evidence/evidence.html", context | {"report": report_of(subject)})
