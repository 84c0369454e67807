"""The API's calls on a user's optimizer runs."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from ninja import Router, Status
from pydantic import Field

from backtests.api.backtests import SPLIT
from backtests.api.optimizer_payload import run_payload
from backtests.api.optimizer_schemas import QueuedRun, RunInList, RunSchema
from backtests.models import OptimizerRun
from backtests.services import optimizer
from backtests.services.optimizer import InvalidRun
from tradedesk.accounts.requests import UserRequest
from tradedesk.core.rules import COSTS, RULES
from tradedesk.rest.bodies import Body, Day, Text, Whole
from tradedesk.rest.pages import Presented, in_pages
from tradedesk.rest.refusals import BAD_BODY, BAD_QUERY, UNKNOWN, Refused, find
from tradedesk.rest.rule_fields import with_rules

# What a run weighs; no list shows it.
HEAVY = ("provenance", "candidate_strategies", "histograms")

router = Router(tags=["optimizer"])


class Range(Body):
    low: float = Field(examples=[5])
    high: float = Field(examples=[30])
    step: float = Field(examples=[1])


@with_rules([*COSTS.values(), *RULES.values()], SPLIT)
class RunBody(Body):
    """Either strategy_id, for a search of its parameters, or strategy_ids, all_kinds or both, for a ranking.

    `*_pct` are fractions: 0.02 is 2%. Costs and risk as for a backtest.
    """

    symbols: list[Text] = Field(examples=[["AAPL"]])
    strategy_id: Whole | None = Field(None, description="Search this strategy's parameters.", examples=[12])
    strategy_ids: list[Whole] | None = Field(None, description="Rank these strategies.")
    all_kinds: bool = Field(False, description="Rank every kind with its default parameters, too.")
    timeframe: Text = Field("1Day", description="Of a ranking; a search has its strategy's.")
    method: Text = Field("grid", description="Of a search: grid, random or tpe.")
    grid: dict[str, Range] | None = Field(None, description="Left out: the kind's own search ranges.")
    trials: Whole | None = Field(None, description="For random and tpe.")
    objective: Text = Field("sharpe", description="sharpe, sortino, calmar, cagr, profit_factor or weighted.")
    weights: dict[str, float] | None = Field(None, description="Of a weighted score.")
    min_trades: Whole = Field(10, description="A row with fewer closed trades stands below all that have them.")
    holdout: float = Field(0.3, description="Of a search: the last part of the sessions, which it does not see.")
    seed: Whole | None = Field(None, description="Of a random search; the same seed tries the same combinations.")
    start_date: Day = Field(examples=["2005-01-03"])
    end_date: Day = Field(examples=["2010-12-31"])
    initial_capital: float = Field(description="Dollars.", examples=[100_000])


SEARCH_ONLY = ("method", "grid", "trials", "holdout", "seed")
RANKING_ONLY = ("timeframe",)


@router.post("/runs", response={202: QueuedRun, **UNKNOWN, **BAD_BODY})
def start_run(request: UserRequest, run: RunBody) -> Status[OptimizerRun]:
    """Queues a search or a ranking. Read it again: results arrive while it runs."""
    values = run.model_dump()
    one, several, all_kinds = (values.pop(name) for name in ("strategy_id", "strategy_ids", "all_kinds"))
    strategies = request.user.strategies
    try:
        if one is not None and several is None and not all_kinds:
            strategy = find(strategies.all(), one)
            if "timeframe" in run.model_fields_set and run.timeframe != strategy.timeframe:
                raise InvalidRun({"timeframe": f"A search has its strategy's timeframe, {strategy.timeframe}."})
            values = {name: value for name, value in values.items() if name not in RANKING_ONLY}
            ranges = {name: (own["low"], own["high"], own["step"]) for name, own in (values["grid"] or {}).items()}
            whole = {name: tuple(_plain(number) for number in own) for name, own in ranges.items()}
            made = optimizer.create_search(
                request.user, strategy, **(values | {"grid": whole}), wall_now=timezone.now()
            )
        elif one is None:
            chosen = [find(strategies.all(), pk) for pk in dict.fromkeys(several or ())]
            if asked := [name for name in SEARCH_ONLY if values[name] != RunBody.model_fields[name].default]:
                raise InvalidRun(dict.fromkeys(asked, "Only a search of one strategy's parameters has this."))
            values = {name: value for name, value in values.items() if name not in SEARCH_ONLY}
            made = optimizer.create_ranking(
                request.user, strategies=chosen, all_kinds=all_kinds, **values, wall_now=timezone.now()
            )
        else:
            raise InvalidRun({"strategy_id": "Give strategy_id to search, or strategy_ids and all_kinds to rank."})
    except InvalidRun as refusal:
        named = {"strategy": "strategy_id", "strategies": "strategy_ids"}
        raise Refused({named.get(field, field): text for field, text in refusal.errors.items()}) from None
    return Status(202, made)


@router.get("/runs", response={200: list[RunInList], **BAD_QUERY})
@in_pages
def list_runs(request: UserRequest) -> Presented[OptimizerRun]:
    """Your runs, the newest first, without their rows."""
    return Presented(request.user.optimizer_runs.defer(*HEAVY), _in_list)


@router.get("/runs/{int:run_id}", response={200: RunSchema, **UNKNOWN, **BAD_QUERY})
def read_run(request: UserRequest, run_id: int, symbol: str = "") -> dict[str, Any]:
    """A run with the best rows of one of its universes, the first one's when `symbol` is left out; all symbols
    together are `*`. Of a search the figures are those of the sessions that it saw."""
    run = find(request.user.optimizer_runs.all(), run_id)
    keys = [universe.key for universe in optimizer.universes_of(run)]
    if symbol and symbol not in keys:
        raise Refused({"symbol": f"This run has the universes {', '.join(keys)}."})
    return run_payload(run, symbol or keys[0], full=True)


@router.delete("/runs/{int:run_id}", response={204: None, **UNKNOWN})
def remove_run(request: UserRequest, run_id: int) -> Status[None]:
    """Deletes it with its rows; one that is still going ends. What was opened or deployed from a row stays."""
    optimizer.delete_run(find(request.user.optimizer_runs.all(), run_id))
    return Status(204, None)


@router.post("/runs/{int:run_id}/cancel", response={200: RunInList, **UNKNOWN})
def cancel_run(request: UserRequest, run_id: int) -> dict[str, Any]:
    """What has ended already stays as it is; what was found so far is kept."""
    run = find(request.user.optimizer_runs.all(), run_id)
    optimizer.cancel(run, timezone.now())
    run.refresh_from_db()
    return run_payload(run, "", full=False)


def _in_list(runs: Sequence[OptimizerRun]) -> list[dict[str, Any]]:
    return [run_payload(run, "", full=False) for run in runs]


def _plain(number: float) -> float | int:
    return int(number) if number.is_integer() else number
