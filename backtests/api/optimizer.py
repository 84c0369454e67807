"""The API of optimizer runs."""

from django.utils import timezone
from ninja import Router, Status
from pydantic import Field

from backtests.api.backtests import CAPITAL_TEXT, DEFAULT_TEXTS, RULES_AND_COSTS
from backtests.api.optimizer_schemas import (
    QueuedRunSchema,
    RunSchema,
    RunSummarySchema,
    run_summary,
    with_candidates,
)
from backtests.models import OptimizerRun
from backtests.research.optimizer.objectives import WEIGHTS
from backtests.research.robustness.walk_forward import HOLDOUT
from backtests.services import optimizer
from backtests.services.defaults import CAPITAL, with_defaults
from backtests.services.optimizer import InvalidRun
from strategies.kinds import rule_defaults_of
from tradedesk.accounts.requests import UserRequest
from tradedesk.rest.bodies import MAX_ENTRIES, Body, Day, Id, Ids, NumberOrText, Symbols, Text, Whole
from tradedesk.rest.pages import MappedQuerySet, in_pages
from tradedesk.rest.refusals import BAD_BODY, BAD_QUERY, UNKNOWN, Refused, find
from tradedesk.rest.rule_fields import given_values, with_rules

# Large columns that no list shows.
LARGE_FIELDS = ("provenance", "ranked_strategies", "histograms")

router = Router(tags=["optimizer"])


class Range(Body):
    low: NumberOrText = Field(examples=[5], description="A number, or the word of a choice.")
    high: NumberOrText = Field(examples=[30])
    step: float = Field(examples=[1])

    def as_tuple(self) -> tuple[float | str, ...]:
        """Whole numbers as int, because parameters may have to be integers."""
        return tuple(_plain(number) for number in (self.low, self.high, self.step))


@with_rules(RULES_AND_COSTS, DEFAULT_TEXTS)
class RunBody(Body):
    """A search of one strategy's parameters (strategy_id), or a ranking (strategy_ids, all_kinds or both).

    `*_pct` are fractions: 0.02 is 2%. A rule or cost that is left out has the default of your settings (Defaults
    for backtests), or the one stated here where you have none. Null switches off a rule that can be off; any other
    has the default stated here.
    """

    symbols: Symbols = Field(examples=[["AAPL"]])
    strategy_id: Id | None = Field(None, description="Search the parameters of this strategy.", examples=[12])
    strategy_ids: Ids | None = Field(None, description="Rank these strategies.")
    all_kinds: bool = Field(False, description="Also rank every kind with its default parameters.")
    timeframe: Text = Field("1Day", description="Ranking only: a search uses the timeframe of its strategy.")
    method: Text = Field("grid", description="Search only: grid, random or tpe.")
    grid: dict[Text, Range] | None = Field(
        None,
        max_length=MAX_ENTRIES,
        description="Search only: the range of each parameter. Default: the search ranges of the kind.",
    )
    scope: Text = Field(
        "each", description="Search only: each (each symbol alone), portfolio (all symbols as one) or both."
    )
    trials: Whole | None = Field(None, description="Number of trials. Required for random and tpe.")
    objective: Text = Field("sharpe", description="sharpe, sortino, calmar, cagr, profit_factor or weighted.")
    weights: dict[Text, float] | None = Field(
        None,
        max_length=MAX_ENTRIES,
        description="For objective weighted: the weight of each metric, a missing one counts 0. Default: "
        f"{', '.join(f'{name} {weight:g}' for name, weight in WEIGHTS.items())}.",
    )
    min_trades: Whole = Field(10, description="Rows with fewer closed trades are not eligible and rank last.")
    holdout: float = Field(
        HOLDOUT, description="Search only: the fraction of the sessions, at the end, that is kept out of sample."
    )
    seed: Whole | None = Field(None, description="Random search: the same seed samples the same combinations.")
    start_date: Day = Field(examples=["2005-01-03"])
    end_date: Day = Field(examples=["2010-12-31"])
    initial_capital: float = Field(CAPITAL, description=CAPITAL_TEXT, examples=[100_000])
    compare_with: Text | None = Field(
        None,
        description="The benchmark of the evidence. Default: that of your settings, else the symbols, held.",
        examples=["SPY"],
    )


SEARCH_ONLY = ("method", "grid", "scope", "trials", "holdout", "seed")
RANKING_ONLY = ("timeframe",)


@router.post("/runs", response={202: QueuedRunSchema, **UNKNOWN, **BAD_BODY})
def start_run(request: UserRequest, run: RunBody) -> Status[QueuedRunSchema]:
    """Queues a search or a ranking. Read the run to see results while it runs."""
    strategies = request.user.strategies
    given = set(run.model_fields_set)
    if run.strategy_id is not None:
        given |= rule_defaults_of(find(strategies.all(), run.strategy_id).kind).keys()
    values = with_defaults(request.user, given_values(run), given)
    one, several, all_kinds = (values.pop(name) for name in ("strategy_id", "strategy_ids", "all_kinds"))
    try:
        if one is not None and several is None and not all_kinds:
            strategy = find(strategies.all(), one)
            if "timeframe" in run.model_fields_set and run.timeframe != strategy.timeframe:
                raise InvalidRun(
                    {"timeframe": f"A search uses the timeframe of its strategy, {strategy.timeframe}."}
                )
            values = {name: value for name, value in values.items() if name not in RANKING_ONLY}
            values["grid"] = {name: each.as_tuple() for name, each in (run.grid or {}).items()}
            created = optimizer.create_search(request.user, strategy, **values, wall_now=timezone.now())
        elif one is None:
            ranked = [find(strategies.all(), pk) for pk in dict.fromkeys(several or ())]
            if refused := [name for name in SEARCH_ONLY if values[name] != RunBody.model_fields[name].default]:
                raise InvalidRun(
                    dict.fromkeys(refused, "This field is for a search only. A ranking does not use it.")
                )
            values = {name: value for name, value in values.items() if name not in SEARCH_ONLY}
            created = optimizer.create_ranking(
                request.user, strategies=ranked, all_kinds=all_kinds, **values, wall_now=timezone.now()
            )
        else:
            raise InvalidRun(
                {"strategy_id": "Send strategy_id for a search, or strategy_ids and all_kinds for a ranking."}
            )
    except InvalidRun as refusal:
        raise Refused(refusal.errors, renamed={"strategy": "strategy_id", "strategies": "strategy_ids"}) from None
    return Status(202, QueuedRunSchema.of(created, warnings=optimizer.warnings_of(created)))


@router.get("/runs", response={200: list[RunSummarySchema], **BAD_QUERY})
@in_pages
def list_runs(request: UserRequest) -> MappedQuerySet[OptimizerRun]:
    """Your optimizer runs, newest first, without their rows."""
    return MappedQuerySet(request.user.optimizer_runs.defer(*LARGE_FIELDS), lambda runs: map(run_summary, runs))


@router.get("/runs/{int:run_id}", response={200: RunSchema, **UNKNOWN, **BAD_QUERY})
def read_run(request: UserRequest, run_id: int, symbol: str = "") -> RunSchema:
    """An optimizer run with the best rows of one universe: `symbol`, or `*` for all symbols together. The default
    is the first universe. The figures of a search are in sample."""
    run = find(request.user.optimizer_runs.all(), run_id)
    keys = [universe.key for universe in optimizer.universes_of(run)]
    if symbol and symbol not in keys:
        raise Refused({"symbol": f"This run has the universes {', '.join(keys)}."})
    return with_candidates(run, symbol or keys[0])


@router.delete("/runs/{int:run_id}", response={204: None, **UNKNOWN})
def delete_run(request: UserRequest, run_id: int) -> Status[None]:
    """Deletes a run and its rows, and stops it if it is running. Backtests and deployments of its rows stay."""
    optimizer.delete_run(find(request.user.optimizer_runs.all(), run_id))
    return Status(204, None)


@router.post("/runs/{int:run_id}/cancel", response={200: RunSummarySchema, **UNKNOWN})
def cancel_run(request: UserRequest, run_id: int) -> RunSummarySchema:
    """Cancels a run and keeps the results so far. A finished run does not change."""
    run = find(request.user.optimizer_runs.all(), run_id)
    optimizer.cancel(run, timezone.now())
    run.refresh_from_db()
    return run_summary(run)


def _plain(value: float | str) -> float | int | str:
    return int(value) if isinstance(value, float) and value.is_integer() else value
