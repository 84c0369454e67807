"""The optimizer page: the form of a new run, and the list of runs."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from backtests.forms import RankForm, SearchForm, optimizer_draft
from backtests.forms.fields import MOST_OFFERED
from backtests.models import OptimizerRun
from backtests.reports import optimizer as optimizer_report
from backtests.reports.leaderboard import best_rows
from backtests.research.optimizer.objectives import Objective, formula
from backtests.services import optimizer as services
from backtests.services.defaults import defaults_of
from backtests.views.requests import find_by_id, wants_fragment
from strategies.services import InvalidStrategy
from tradedesk.accounts.requests import PageRequest

PAGE_SIZE = 20
UNUSED_FIELDS = ("provenance", "rules", "costs", "ranked_strategies", "histograms")
# What the estimate of a search depends on.
PREVIEWED = ("start_date", "end_date", "method", "grid", "scope", "trials", "holdout")
RANK, SEARCH = OptimizerRun.Job.RANK.value, OptimizerRun.Job.SEARCH.value


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def optimizer(request: PageRequest) -> HttpResponse:
    if request.method == "POST":
        return _start(request)
    if wants_fragment(request):
        return render(request, "backtests/optimizer/_runs.html", _runs(request))
    return render(request, "backtests/optimizer/optimizer.html", _new_form(request) | _runs(request))


@require_safe
def optimizer_availability(request: PageRequest) -> HttpResponse:
    """Symbols, period and available bars, for another strategy, other symbols or a preset."""
    return _fragment(request, "backtests/optimizer/_data_availability.html")


@require_safe
def optimizer_grid(request: PageRequest) -> HttpResponse:
    """The parameters of the selected strategy."""
    return _fragment(request, "backtests/optimizer/_grid.html")


@require_safe
def optimizer_preview(request: PageRequest) -> HttpResponse:
    """The number of combinations and the time that a run of this form would take."""
    if not request.htmx:
        return redirect("backtests:optimizer")
    form = _form(request, request.GET)
    context: dict[str, Any] = {"form": form, "job": _job(request)}
    if form.is_valid():
        typed = form.score_values()
        context["formula"] = formula(Objective(typed["objective"]), typed["weights"])
        context |= _estimate(form) if isinstance(form, SearchForm) else _ranked_strategies(form)
    return render(request, "backtests/optimizer/_preview.html", context)


def _start(request: PageRequest) -> HttpResponse:
    form = _form(request, request.POST)
    if isinstance(form, SearchForm) and form.selected_strategy and form.has_other_parameters:
        return redirect(f"{reverse('backtests:optimizer')}?strategy={form.selected_strategy.pk}")
    if form.is_valid():
        create = services.create_search if isinstance(form, SearchForm) else services.create_ranking
        try:
            run = create(request.user, **form.values(), wall_now=timezone.now())
        except services.InvalidRun as refusal:
            form.add_errors(refusal.errors)
        else:
            return redirect("backtests:optimizer_run", run.pk)
    availability = optimizer_draft.availability_of_form(request.user, form)
    context = {"form": form, "job": _job(request), "availability": availability}
    return render(request, "backtests/optimizer/optimizer.html", context | _runs(request), status=422)


def _fragment(request: PageRequest, template: str) -> HttpResponse:
    if not request.htmx:
        return redirect("backtests:optimizer")
    response = render(request, template, _new_form(request))
    return trigger_client_event(response, "availability-updated", after="settle")


def _runs(request: PageRequest) -> dict[str, Any]:
    runs = request.user.optimizer_runs.defer(*UNUSED_FIELDS)
    page = Paginator(runs, PAGE_SIZE).get_page(request.GET.get("page"))
    best = best_rows(page)
    return {"page": page, "rows": [(run, best.get(run.pk)) for run in page]}


def _new_form(request: PageRequest) -> dict[str, Any]:
    """The form before it is sent: filled from the user's strategies, an earlier run or what was typed so far."""
    source = find_by_id(request.user.optimizer_runs.all(), request.GET.get("run"))
    job = source.job if source else _job(request)
    preset, defaults = request.GET.get("preset", ""), defaults_of(request.user)
    form: RankForm | SearchForm
    if job == SEARCH:
        strategy = find_by_id(request.user.strategies.all(), request.GET.get("strategy"))
        strategy = strategy or (source.strategy if source else None) or request.user.strategies.first()
        universe = request.GET.get("widen", "")
        edges = optimizer_report.edges_of_run(source, universe) if source and universe else []
        values, availability = optimizer_draft.initial_search(
            strategy, source, _typed(request, SearchForm), preset, {edge.name: edge.wider for edge in edges}
        )
        form = SearchForm(request.user, initial=defaults | values)
    else:
        strategies = list(request.user.strategies.order_by("-pk")[:MOST_OFFERED])
        values, availability = optimizer_draft.initial_ranking(
            request.user, strategies, source, _typed(request, RankForm), preset
        )
        form = RankForm(request.user, initial=defaults | values)
    return {"form": form, "job": job, "availability": availability}


def _typed(request: PageRequest, form: type[RankForm | SearchForm]) -> dict[str, str]:
    return {name: request.GET[name] for name in form.base_fields if name in request.GET and name != "strategies"}


def _form(request: PageRequest, data: Any) -> RankForm | SearchForm:
    return SearchForm(request.user, data) if _job(request) == SEARCH else RankForm(request.user, data)


def _job(request: PageRequest) -> str:
    """The tab named in the address; a link with a strategy opens the search."""
    job = request.GET.get("job") or (SEARCH if "strategy" in request.GET else RANK)
    return job if job in OptimizerRun.Job.values else RANK


def _estimate(form: SearchForm) -> dict[str, Any]:
    values = form.values()
    try:
        symbols = optimizer_draft.wanted_symbols(values["strategy"], values["symbols"])
    except InvalidStrategy as refusal:
        return {"refusals": list(refusal.errors.values())}
    inputs = {name: values[name] for name in PREVIEWED}
    estimate = services.estimate(values["strategy"], symbols=symbols, **inputs)
    time = None if estimate.seconds is None else optimizer_report.approximate_time(estimate.seconds)
    return {"estimate": estimate, "time": time, "refusals": list(estimate.errors.values())}


def _ranked_strategies(form: RankForm) -> dict[str, Any]:
    values = form.values()
    per_symbol, across = optimizer_draft.count_ranked_strategies(values["strategies"], values["all_kinds"])
    return {"per_symbol": per_symbol, "across_symbols": across}
