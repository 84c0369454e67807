"""The API of strategies."""

from typing import Any, Literal

from django.db.models import QuerySet
from ninja import Router, Status
from pydantic import Field

from strategies import services
from strategies.kinds import Choice, Kind, Param, kinds
from strategies.models import Strategy
from strategies.services import InvalidStrategy, save_strategy
from tradedesk.accounts.requests import UserRequest
from tradedesk.core.bars import Timeframe
from tradedesk.rest.bodies import MAX_ENTRIES, Body, Symbols, Text
from tradedesk.rest.pages import in_pages
from tradedesk.rest.refusals import BAD_BODY, BAD_QUERY, UNKNOWN, Refused, find
from tradedesk.rest.schemas import Schema

router = Router(tags=["strategies"])


class StrategyBody(Body):
    name: Text = Field(description="At most 80 characters.", examples=["Golden cross"])
    kind: Text = Field(description="A key from GET /api/v1/strategies/kinds.", examples=["sma_crossover"])
    parameters: dict[Text, Any] = Field(
        {},
        max_length=MAX_ENTRIES,
        description="By name. Default: the default of the kind.",
        examples=[{"fast": 20, "slow": 50}],
    )
    symbols: Symbols = Field([], description="At most 50.", examples=[["AAPL", "MSFT"]])
    timeframe: Text = Field(Timeframe.DAY.value, description=f"One of {', '.join(Timeframe)}.")


class StrategySchema(Schema):
    id: int = Field(examples=[12])
    name: str = Field(examples=["Golden cross"])
    kind: str = Field(examples=["sma_crossover"])
    parameters: dict[str, int | float | str] = Field(
        validation_alias="named_parameters", examples=[{"fast": 20, "slow": 50}]
    )
    symbols: list[str] = Field(examples=[["AAPL", "MSFT"]])
    timeframe: str = Field(examples=["1Day"])


class SearchRangeSchema(Schema):
    low: int | float | str
    high: int | float | str
    step: int | float


class ParameterSchema(Schema):
    name: str = Field(examples=["fast"])
    label: str = Field(examples=["Fast average"])
    type: Literal["integer", "number", "choice"]
    default: int | float | str
    low: int | float | str = Field(description="Minimum, inclusive; of a choice the first word.")
    high: int | float | str = Field(description="Maximum, inclusive; of a choice the last word.")
    step: int | float = Field(description="The step of the input field in the browser.")
    search: SearchRangeSchema = Field(
        description="The default range of an optimizer search. A choice varies only when its range is sent."
    )
    choices: list[str] | None = Field(description="The words of a choice; null for a number.")
    help: str


class KindSchema(Schema):
    key: str = Field(examples=["sma_crossover"])
    name: str = Field(examples=["SMA crossover"])
    description: str
    parameters: list[ParameterSchema]


@router.get("/kinds", response={200: list[KindSchema], **BAD_QUERY})
@in_pages
def list_strategy_kinds(request: UserRequest) -> list[KindSchema]:
    """The strategy kinds, with the bounds and the default of each parameter."""
    return [_kind(kind) for kind in kinds().values()]


@router.get("", response={200: list[StrategySchema], **BAD_QUERY})
@in_pages
def list_strategies(request: UserRequest) -> "QuerySet[Strategy]":
    """Your strategies, by name."""
    return request.user.strategies.all()


@router.post("", response={201: StrategySchema, **BAD_BODY})
def create_strategy(request: UserRequest, strategy: StrategyBody) -> Status[Strategy]:
    return Status(201, _save(request, strategy))


@router.get("/{int:strategy_id}", response={200: StrategySchema, **UNKNOWN})
def read_strategy(request: UserRequest, strategy_id: int) -> Strategy:
    return find(request.user.strategies.all(), strategy_id)


@router.put("/{int:strategy_id}", response={200: StrategySchema, **UNKNOWN, **BAD_BODY})
def replace_strategy(request: UserRequest, strategy_id: int, strategy: StrategyBody) -> Strategy:
    """Replaces all fields; a field that is left out has its default. Deployments keep their settings."""
    return _save(request, strategy, find(request.user.strategies.all(), strategy_id))


@router.delete("/{int:strategy_id}", response={204: None, **UNKNOWN})
def delete_strategy(request: UserRequest, strategy_id: int) -> Status[None]:
    """Deletes a strategy. Its backtests stay, and its deployments keep trading."""
    services.delete_strategy(find(request.user.strategies.all(), strategy_id))
    return Status(204, None)


def _save(request: UserRequest, values: StrategyBody, strategy: Strategy | None = None) -> Strategy:
    try:
        return save_strategy(request.user, **values.model_dump(), strategy=strategy)
    except InvalidStrategy as refusal:
        raise Refused(refusal.errors) from None


def _kind(kind: type[Kind]) -> KindSchema:
    parameters = [_parameter(param) for param in kind.params().values()]
    return KindSchema(key=kind.key, name=kind.name, description=kind.description, parameters=parameters)


def _parameter(param: Param[Any]) -> ParameterSchema:
    low, high, step = param.search
    words = list(param.words) if isinstance(param, Choice) else None
    return ParameterSchema(
        name=param.name,
        label=param.label,
        type="choice" if words else "integer" if param.is_integer else "number",
        default=param.named(param.default),
        low=param.named(param.low),
        high=param.named(param.high),
        step=param.step,
        search=SearchRangeSchema(low=param.named(low), high=param.named(high), step=step),
        choices=words,
        help=param.help,
    )
