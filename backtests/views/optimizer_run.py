"""The pages of one optimizer run: rows, charts and actions."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HTMX_STOP_POLLING, HttpResponseStopPolling

from backtests.charts import optimizer as optimizer_charts
from backtests.lists.selection import active_deployment_names_of_run
from backtests.models import Candidate, OptimizerRun
from backtests.reports import optimizer as optimizer_report
from backtests.reports.labels import labelled_rules
from backtests.reports.leaderboard import leaderboard, parameter_labels
from backtests.services import NoRoom
from backtests.services import optimizer as services
from backtests.views.requests import wants_fragment
from strategies.kinds import InvalidParameters
from strategies.services import InvalidStrategy
from tradedesk.accounts.requests import PageRequest
from tradedesk.rest.columns import columns_response

# The tabs of a run; a ranking has no plots.
VIEWS = {"rows": "Rows", "plots": "Plots", "settings": "Settings and provenance"}
CONTROLS = {"pause": services.pause, "resume": services.resume, "cancel": services.cancel}
NOT_APPLIED = {
    "pause": "The run is not running, so it cannot be paused.",
    "resume": "The run is not paused.",
    "cancel": "The run has already ended.",
}


@require_safe
@vary_on_headers("HX-Request")
def run_detail(request: PageRequest, pk: int) -> HttpResponse:
    run = _run(request, pk)
    universes = services.universes_of(run)
    universe = _universe(request, run)
    board = leaderboard(run, universe, request.GET.get("sort", ""), request.GET.get("page"))
    tested = run.rules_on(universe).as_dict()
    context = {"run": run, "universes": universes, "universe": universe, "board": board, "tested": tested}
    if wants_fragment(request):
        # Sorting and paging are boosted requests; only a poll is told to stop.
        is_last_poll = board.is_final and not request.htmx.boosted
        status = HTMX_STOP_POLLING if is_last_poll else 200
        return render(request, "backtests/optimizer/_results.html", context, status=status)
    views = {key: label for key, label in VIEWS.items() if run.is_search or key != "plots"}
    view = request.GET.get("view", "")
    context |= {
        "views": views,
        "view": view if view in views else "rows",
        "report": optimizer_report.run_report(run, universe),
        "axes": parameter_labels(run),
        "rules": labelled_rules(tested, run.costs),
        **_time_left(run),
    }
    return render(request, "backtests/optimizer/run.html", context)


@require_safe
def run_progress(request: PageRequest, pk: int) -> HttpResponse:
    """The progress fragment, polled every second; reloads the page when the run has ended."""
    run = _run(request, pk)
    if not request.htmx:
        return redirect("backtests:optimizer_run", pk)
    if run.is_finished:
        return HttpResponseStopPolling(headers={"HX-Refresh": "true"})
    return render(request, "backtests/optimizer/_progress.html", {"run": run, **_time_left(run)})


@require_POST
def run_control(request: PageRequest, pk: int, action: str) -> HttpResponse:
    """`action` is pause, resume or cancel."""
    if not CONTROLS[action](_run(request, pk), timezone.now()):
        messages.info(request, NOT_APPLIED[action])
    return redirect("backtests:optimizer_run", pk)


@require_http_methods(["GET", "HEAD", "POST"])
def run_delete(request: PageRequest, pk: int) -> HttpResponse:
    """GET shows the confirmation page, POST deletes."""
    run = _run(request, pk)
    if request.method != "POST":
        context = {"run": run, "deployments": active_deployment_names_of_run(run)}
        return render(request, "backtests/optimizer/run_delete.html", context)
    services.delete_run(run)
    messages.success(request, f"{run.title} deleted.")
    return redirect("backtests:optimizer")


@require_safe
def heat_map_json(request: PageRequest, pk: int) -> HttpResponseBase:
    run = _run(request, pk)
    names = list(parameter_labels(run))
    x, y = request.GET.get("x", ""), request.GET.get("y", "")
    if len(names) < 2 or not {x, y} <= set(names):
        return _no_chart(f"Choose x and y from the parameters that vary: {', '.join(names) or 'none'}.")
    best = request.GET.get("statistic") != optimizer_charts.MEDIAN
    statistic = optimizer_charts.BEST if best else optimizer_charts.MEDIAN
    return columns_response(
        request, optimizer_charts.heat_map_chart(run, _universe(request, run), x, y, statistic)
    )


@require_safe
def parallel_coordinates_json(request: PageRequest, pk: int) -> HttpResponseBase:
    run = _run(request, pk)
    if not parameter_labels(run):
        return _no_chart("A ranking has no parameters to plot.")
    return columns_response(request, optimizer_charts.parallel_chart(run, _universe(request, run)))


@require_safe
def score_histogram_json(request: PageRequest, pk: int) -> HttpResponseBase:
    run = _run(request, pk)
    return columns_response(request, optimizer_charts.histogram_chart(run, _universe(request, run)))


@require_POST
def candidate_backtest(request: PageRequest, pk: int) -> HttpResponse:
    candidate = _candidate(request, pk)
    try:
        backtest = services.open_as_backtest(candidate, timezone.now())
    except InvalidParameters as refusal:
        messages.error(request, f"This row cannot be run. {refusal}")
        return redirect("backtests:optimizer_run", candidate.run_id)
    except NoRoom as refusal:
        messages.error(request, str(refusal))
        return redirect("backtests:optimizer_run", candidate.run_id)
    return redirect("backtests:detail", backtest.pk)


@require_POST
def candidate_save(request: PageRequest, pk: int) -> HttpResponse:
    candidate = _candidate(request, pk)
    try:
        strategy = services.save_as_strategy(candidate, request.POST.get("name", ""))
    except InvalidStrategy as refusal:
        messages.error(request, str(refusal))
        return redirect("backtests:optimizer_run", candidate.run_id)
    messages.success(request, f"{strategy.name} saved.")
    return redirect("strategies:detail", strategy.pk)


def _run(request: PageRequest, pk: int) -> OptimizerRun:
    return get_object_or_404(request.user.optimizer_runs, pk=pk)


def _candidate(request: PageRequest, pk: int) -> Candidate:
    rows = Candidate.objects.filter(run__user=request.user).select_related("run__user", "strategy")
    return get_object_or_404(rows, pk=pk)


def _universe(request: PageRequest, run: OptimizerRun) -> str:
    """The universe named in the address, else the run's first universe."""
    keys = [universe.key for universe in services.universes_of(run)]
    key = request.GET.get("symbol", "")
    return key if key in keys else keys[0]


def _time_left(run: OptimizerRun) -> dict[str, Any]:
    seconds = services.time_left(run)
    return {"time_left": None if seconds is None else optimizer_report.approximate_time(seconds)}


def _no_chart(detail: str) -> JsonResponse:
    return JsonResponse({"detail": detail}, status=404)
