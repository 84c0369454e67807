"""The page of the desk's health, for operators, and the metrics, for Prometheus."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_prometheus.exports import ExportToDjangoView

from tradedesk.monitoring.findings import State, label_of
from tradedesk.monitoring.health import reader
from tradedesk.monitoring.scraping import may_scrape

TONES = {State.OK: "success", State.NOTE: "info", State.WARNING: "warning", State.ERROR: "error"}
WORDS = {State.OK: "OK", State.NOTE: "Note", State.WARNING: "Attention", State.ERROR: "Down"}


@require_safe
@vary_on_headers("HX-Request")
def health(request: HttpRequest) -> HttpResponse:
    """All parts with what was seen of them. Another user is told nothing of it: 404."""
    if not getattr(request.user, "is_staff", False):
        raise Http404
    wall_now = timezone.now()
    found = reader.read(wall_now)
    rows = [
        {
            "part": part,
            "label": label_of(part),
            "word": WORDS[finding.state],
            "tone": TONES[finding.state],
            "finding": finding,
        }
        for part, finding in found.findings.items()
    ]
    context = {"health": found, "tone": TONES[found.state], "rows": rows, "looked_at": wall_now}
    is_fragment = bool(request.headers.get("HX-Request"))
    return render(request, "monitoring/_health.html" if is_fragment else "monitoring/health.html", context)


# A scraper has no session.
@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not may_scrape(request):
        return HttpResponse("Send METRICS_TOKEN as a bearer token.\n", status=403, content_type="text/plain")
    response: HttpResponse = ExportToDjangoView(request)
    response["Cache-Control"] = "no-store"
    return response
