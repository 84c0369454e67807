"""Create, edit, renew and delete live strategies. On the router of live_strategies: one address, one router."""

from typing import Annotated, Any, Literal, TypeVar

from django.utils import timezone
from ninja import Status
from pydantic import Field

from backtests.models import Candidate
from livetrading.api.deployments import DEFAULTS, AlreadyDeployedSchema, IdempotencyKey, already_deployed
from livetrading.api.live_strategies import ON_LEAVING, LiveStrategySchema, own, router, schemas
from livetrading.models import LiveStrategy
from livetrading.models.live_strategy import NAME_LENGTH
from livetrading.services.deletion import NotDeleted, delete_live
from livetrading.services.deploy import AlreadyDeployed, DeploymentSettings, DeployRefused, Source, deploy
from livetrading.services.edit import EditRefused, edit, edited_message
from livetrading.services.new_version import Changes, deploy_new_version, new_version_message
from tradedesk.accounts.models import User
from tradedesk.accounts.requests import UserRequest
from tradedesk.core.rules import DEPLOYED_RULES
from tradedesk.marketdata.clock import market_clock
from tradedesk.rest.bodies import MAX_ENTRIES, Body, Id, NumberOrText, Symbols, Text, Whole
from tradedesk.rest.refusals import BAD_BODY, UNKNOWN, Problem, Refused, Responses, find
from tradedesk.rest.rule_fields import given_values, with_rules

Extended = TypeVar("Extended", bound=LiveStrategySchema)
Name = Annotated[Text, Field(max_length=NAME_LENGTH)]
INTERVAL = "Seconds of market time between two checks, 60 to 3,600. Shorter bars are checked at their closes."
AUTOMATIC = "False: signals wait for you, and POST /signals/{id}/execute carries one out."


@with_rules(DEPLOYED_RULES.values())
class CreateBody(Body):
    """One of strategy_id, backtest_id and candidate_id (a row of an optimizer run), whose rules are the defaults.
    `*_pct` are fractions: 0.02 is 2%. Null switches off a rule that can be off; any other keeps its default."""

    strategy_id: Id | None = Field(None, examples=[12])
    backtest_id: Id | None = None
    candidate_id: Id | None = None
    symbols: Symbols | None = Field(None, description="Default: those of what is deployed.", examples=[["AAPL"]])
    name: Name = Field("", description="Default: 'Live - ' and the name of what is deployed.")
    check_interval: Whole = Field(DEFAULTS.check_interval, description=INTERVAL)
    auto_execute: bool = Field(DEFAULTS.auto_execute, description=AUTOMATIC)


class _Fixed(Body):
    """What a live strategy was deployed with. It is refused, with a sentence at the field."""

    kind: Any = Field(None, description="Cannot be edited.")
    timeframe: Any = Field(None, description="Cannot be edited.")


@with_rules(DEPLOYED_RULES.values())
class EditBody(_Fixed):
    """What is left out stays. `*_pct` are fractions. Null switches off a rule that can be off, and leaves any
    other as it is. New entries use the new rules; stops and targets of open positions stay as they were made."""

    name: Name | None = None
    check_interval: Whole | None = Field(None, description=INTERVAL)
    auto_execute: bool | None = Field(None, description=AUTOMATIC)
    on_leaving: Literal["notify", "pause_below", "pause"] | None = Field(None, description=ON_LEAVING)
    parameters: Any = Field(None, description="Cannot be edited: deploy a new version.")
    symbols: Any = Field(None, description="Cannot be edited: deploy a new version.")


@with_rules(DEPLOYED_RULES.values())
class NewVersionBody(_Fixed):
    """What differs from the old version; what is left out stays."""

    name: Name = ""
    parameters: Annotated[dict[Text, NumberOrText], Field(max_length=MAX_ENTRIES)] = Field(
        default_factory=dict, examples=[{"fast": 20}]
    )
    symbols: Symbols | None = None
    check_interval: Whole | None = Field(None, description=INTERVAL)
    auto_execute: bool | None = Field(None, description=AUTOMATIC)
    hand_over: bool = Field(
        False,
        description="Whether the open positions, with their stops, go over to the new version. Those of symbols "
        "that it does not trade stay with the old one.",
    )


class EditedSchema(LiveStrategySchema):
    message: str = Field(description="What the edit means for open positions.")


class NewVersionSchema(LiveStrategySchema):
    message: str
    handed_over: list[str] = Field(description="The symbols of the positions that the new version has now.")
    left: list[str] = Field(description="Of those that stay with the old one, protected.")


CREATED: Responses = {201: LiveStrategySchema, **UNKNOWN, 409: AlreadyDeployedSchema, **BAD_BODY}


@router.post("/strategies", response=CREATED)
def create_live_strategy(
    request: UserRequest, body: CreateBody, idempotency_key: IdempotencyKey = None
) -> Status[Any]:
    """Deploys in your current mode, with settings of your choice, and checks the signals immediately."""
    source = _source(request.user, body)
    try:
        live = deploy(
            request.user,
            source,
            now=market_clock().now(),
            wall_now=timezone.now(),
            deploy_key=idempotency_key or "",
            symbols=body.symbols,
            name=body.name,
            settings=DeploymentSettings(
                check_interval=body.check_interval, auto_execute=body.auto_execute, rules=_rules(body)
            ),
        )
    except AlreadyDeployed as refusal:
        return already_deployed(refusal)
    except DeployRefused as refusal:
        raise Refused(refusal.errors) from None
    return Status(201, schemas(request.user, [live])[0])


@router.put("/strategies/{int:live_strategy_id}", response={200: EditedSchema, **UNKNOWN, **BAD_BODY})
def edit_live_strategy(request: UserRequest, live_strategy_id: int, body: EditBody) -> EditedSchema:
    """Changes name and limits while it runs. Kind, parameters, symbols and timeframe cannot be edited."""
    live = find(own(request), live_strategy_id)
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    try:
        edited = edit(live, changes, market_clock().now(), timezone.now())
    except EditRefused as refusal:
        raise Refused(refusal.errors) from None
    return _extended(EditedSchema, request.user, edited.live, message=edited_message(edited))


@router.delete("/strategies/{int:live_strategy_id}", response={204: None, **UNKNOWN, 409: Problem})
def delete_live_strategy(request: UserRequest, live_strategy_id: int) -> Status[object]:
    """Deletes a live strategy that holds nothing. Its signals, orders and trades stay."""
    try:
        delete_live(find(own(request), live_strategy_id), market_clock().now(), timezone.now())
    except NotDeleted as refusal:
        return Status(409, Problem(detail=str(refusal)))
    return Status(204, None)


RENEWED: Responses = {201: NewVersionSchema, **UNKNOWN, 409: AlreadyDeployedSchema, **BAD_BODY}


@router.post("/strategies/{int:live_strategy_id}/new-version", response=RENEWED)
def renew_live_strategy(
    request: UserRequest, live_strategy_id: int, body: NewVersionBody, idempotency_key: IdempotencyKey = None
) -> Status[Any]:
    """Deploys a copy with other parameters, symbols or limits, and stops the old version, in one step."""
    old = find(own(request), live_strategy_id)
    if fixed := {"kind", "timeframe"} & body.model_fields_set:
        raise Refused({name: f"A new version has the {name} of the old one." for name in fixed})
    changes = Changes(
        name=body.name,
        parameters=body.parameters,
        symbols=body.symbols,
        check_interval=body.check_interval,
        auto_execute=body.auto_execute,
        rules={name: getattr(body, name) for name in body.model_fields_set & DEPLOYED_RULES.keys()},
        hand_over=body.hand_over,
    )
    now, key = market_clock().now(), idempotency_key or ""
    try:
        made = deploy_new_version(old, changes, now=now, wall_now=timezone.now(), deploy_key=key)
    except AlreadyDeployed as refusal:
        return already_deployed(refusal)
    except DeployRefused as refusal:
        raise Refused(refusal.errors) from None
    values = {"message": new_version_message(made), "handed_over": made.handed_over, "left": made.left}
    return Status(201, _extended(NewVersionSchema, request.user, made.live, **values))


def _extended(schema: type[Extended], user: User, live: LiveStrategy, **values: object) -> Extended:
    """The response of a live strategy with further fields."""
    fields: dict[str, Any] = dict(schemas(user, [live])[0])
    return schema.model_construct(None, **fields, **values)


def _rules(body: CreateBody) -> dict[str, Any]:
    return {name: value for name, value in given_values(body).items() if name in DEPLOYED_RULES}


def _source(user: User, body: CreateBody) -> Source:
    """Raises Refused unless there is exactly one source, and Http404 when it does not belong to the user."""
    given = [name for name in ("strategy_id", "backtest_id", "candidate_id") if getattr(body, name) is not None]
    if len(given) != 1:
        raise Refused({"strategy_id": "Send one of strategy_id, backtest_id and candidate_id."})
    if body.backtest_id is not None:
        return find(user.backtests.select_related("strategy"), body.backtest_id)
    if body.candidate_id is not None:
        rows = Candidate.objects.filter(run__user=user).select_related("run", "strategy")
        return find(rows, body.candidate_id)
    return find(user.strategies.all(), body.strategy_id or 0)
