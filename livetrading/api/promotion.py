"""Promote a paper deployment to a live one, and raise its size. On the router of live_strategies."""

from typing import Any

from ninja import Status
from pydantic import Field

from livetrading.api.deployments import AlreadyDeployedSchema, IdempotencyKey, already_deployed
from livetrading.api.live_strategies import SWITCH_RESPONSES, LiveStrategySchema, own, router, schemas
from livetrading.services.deploy import AlreadyDeployed, DeployRefused
from livetrading.services.promotion import RaiseRefused, Stages, promote, raise_size
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import read_clocks
from tradedesk.rest.bodies import Body, Whole
from tradedesk.rest.refusals import BAD_BODY, UNKNOWN, Problem, Refused, Responses, find

DEFAULTS = Stages()


class PromoteBody(Body):
    """The first stage of the live deployment."""

    fraction: float = Field(DEFAULTS.fraction, description="The part of the size that it trades, 0.05 to 1.")
    raise_after: Whole | None = Field(
        None,
        description="Trade the full size once so many closed trades, 10 to 500, have a mean that the backtest "
        "led one to expect. Null: it is raised by hand.",
    )


class RaiseBody(Body):
    fraction: float = Field(
        1.0, description="The part of the size that it trades from the next entry on, at most 1."
    )


PROMOTED: Responses = {201: LiveStrategySchema, **UNKNOWN, 409: AlreadyDeployedSchema, **BAD_BODY}
RAISED: Responses = {**SWITCH_RESPONSES, **BAD_BODY}


@router.post("/strategies/{int:live_strategy_id}/promote", response=PROMOTED)
def promote_live_strategy(
    request: UserRequest, live_strategy_id: int, body: PromoteBody, idempotency_key: IdempotencyKey = None
) -> Status[Any]:
    """Deploys a paper deployment a second time, in your active live account and with a part of its size. You have
    to be in live mode. The one on paper stays as it is."""
    paper = find(own(request), live_strategy_id)
    now, wall_now = read_clocks()
    try:
        stages = Stages(fraction=body.fraction, raise_after=body.raise_after)
        live = promote(paper, stages, now=now, wall_now=wall_now, deploy_key=idempotency_key or "")
    except AlreadyDeployed as refusal:
        return already_deployed(refusal)
    except DeployRefused as refusal:
        raise Refused(refusal.errors) from None
    return Status(201, schemas(request.user, [live])[0])


@router.post("/strategies/{int:live_strategy_id}/raise", response=RAISED)
def raise_live_strategy(request: UserRequest, live_strategy_id: int, body: RaiseBody) -> Status[object]:
    """Raises the part of the size that a promoted strategy trades. What it holds stays as it is."""
    live = find(own(request), live_strategy_id)
    try:
        raised = raise_size(live, body.fraction, *read_clocks(), actor=request.user)
    except RaiseRefused as refusal:
        return Status(409, Problem(detail=str(refusal)))
    return Status(200, schemas(request.user, [raised.live])[0])
