"""The evidence page of a backtest and of an optimizer row, and its fragments while the evidence is computed."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HTMX_STOP_POLLING, HttpResponseClientRefresh

from backtests.models import Backtest, Candidate
from backtests.reports.evidence import evidence_report
from backtests.reports.scorecard import scorecards
from backtests.services import evidence
from backtests.views.requests import wants_fragment
from tradedesk.accounts.requests import PageRequest


@require_safe
@vary_on_headers("HX-Request")
def backtest_evidence(request: PageRequest, pk: int) -> HttpResponse:
    return _page(request, _backtest(request, pk))


@require_safe
@vary_on_headers("HX-Request")
def candidate_evidence(request: PageRequest, pk: int) -> HttpResponse:
    """Opening the page starts the computation, unless it has already been started."""
    candidate = _candidate(request, pk)
    if not wants_fragment(request):
        evidence.request_evidence(candidate)
    return _page(request, candidate)


@require_POST
def backtest_evidence_retry(request: PageRequest, pk: int) -> HttpResponse:
    evidence.retry_evidence(_backtest(request, pk))
    return redirect("backtests:backtest_evidence", pk)


@require_POST
def candidate_evidence_retry(request: PageRequest, pk: int) -> HttpResponse:
    evidence.retry_evidence(_candidate(request, pk))
    return redirect("backtests:candidate_evidence", pk)


def _backtest(request: PageRequest, pk: int) -> Backtest:
    backtests = request.user.backtests.select_related("evidence").filter(status=Backtest.Status.COMPLETED)
    return get_object_or_404(backtests, pk=pk)


def _candidate(request: PageRequest, pk: int) -> Candidate:
    rows = Candidate.objects.filter(run__user=request.user).select_related("run", "evidence")
    return get_object_or_404(rows, pk=pk)


def _page(request: PageRequest, subject: Backtest | Candidate) -> HttpResponse:
    scorecard = scorecards(request.user, [subject])[subject.pk]
    context = {"scorecard": scorecard, "subject": subject}
    if wants_fragment(request):
        # When the evidence is ready, the evidence page shows more than its scorecard: reload it.
        current_path = (request.htmx.current_url_abs_path or "").partition("#")[0]
        if not scorecard.is_pending and current_path == request.path:
            return HttpResponseClientRefresh()
        status = 200 if scorecard.is_pending else HTMX_STOP_POLLING
        return render(request, "backtests/evidence/_scorecard.html", context, status=status)
    return render(request, "backtests/evidence/evidence.html", context | {"report": evidence_report(subject)})
