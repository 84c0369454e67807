"""Deploy to Live."""

from typing import Annotated, Any

from django.urls import reverse
from django.utils import timezone
from ninja import Header, Router, Status
from pydantic import Field

from livetrading.services.deploy import (
    AlreadyDeployed,
    DeploymentSettings,
    DeployRefused,
    deploy,
    deployment_message,
)
from tradedesk.accounts.requests import UserRequest
from tradedesk.core.rules import DEPLOYED_RULES
from tradedesk.marketdata.clock import market_clock
from tradedesk.rest.bodies import Body, Id, Symbols, Text, Whole
from tradedesk.rest.refusals import BAD_BODY, UNKNOWN, Refused, find
from tradedesk.rest.rule_fields import given_values, with_rules
from tradedesk.rest.schemas import Schema

DEFAULTS = DeploymentSettings()

router = Router()


@with_rules(DEPLOYED_RULES.values())
class QuickDeployBody(Body):
    """`*_pct` are fractions: 0.02 is 2%. A rule that is left out has its default. Null switches off a rule that
    can be off; any other has its default."""

    strategy_id: Id = Field(examples=[12])
    symbols: Symbols = Field(description="The symbols to trade, at least one.", examples=[["AAPL", "MSFT"]])
    name: Text = Field("", description="At most 100 characters. Default: 'Live - ' and the name of the strategy.")
    check_interval: Whole = Field(
        DEFAULTS.check_interval, description="Seconds of market time between two checks, 60 to 3,600."
    )
    mode: Text | None = Field(
        None,
        description="paper or live: refused unless it is your current mode. Without it, whichever that is.",
        examples=["paper"],
    )
    auto_execute: bool = Field(DEFAULTS.auto_execute, description="False: signals are recorded without orders.")


class DeployedSchema(Schema):
    success: bool = Field(examples=[True])
    live_strategy_id: int = Field(examples=[3])
    name: str = Field(examples=["Live - Golden cross"])
    mode: str = Field(examples=["paper"])
    account_id: int = Field(description="The broker account that it trades in.", examples=[1])
    status: str = Field(examples=["active"])
    message: str


class AlreadyDeployedSchema(Schema):
    """An identical deployment is already active."""

    detail: str
    live_strategy_id: int
    url: str = Field(description="The page of the active deployment.", examples=["/dashboard/live-trading/3"])


IdempotencyKey = Annotated[
    Text | None,
    Header(
        None,
        alias="Idempotency-Key",
        max_length=64,
        description="A unique key for each deployment, order or sale. A repeated request does nothing twice.",
    ),
]


DEPLOY_RESPONSES: dict[int, Any] = {201: DeployedSchema, **UNKNOWN, 409: AlreadyDeployedSchema, **BAD_BODY}


@router.post("/quick-deploy", response=DEPLOY_RESPONSES)
def quick_deploy(
    request: UserRequest, deployment: QuickDeployBody, idempotency_key: IdempotencyKey = None
) -> Status[Any]:
    """Deploys a strategy in your current mode and checks its signals immediately."""
    strategy = find(request.user.strategies.all(), deployment.strategy_id)
    if deployment.mode not in (None, request.user.mode):
        raise Refused({"mode": f"You are in {request.user.mode} mode. Nothing was deployed."})
    rules = {name: value for name, value in given_values(deployment).items() if name in DEPLOYED_RULES}
    try:
        live = deploy(
            request.user,
            strategy,
            now=market_clock().now(),
            wall_now=timezone.now(),
            deploy_key=idempotency_key or "",
            symbols=deployment.symbols,
            name=deployment.name,
            settings=DeploymentSettings(
                check_interval=deployment.check_interval, auto_execute=deployment.auto_execute, rules=rules
            ),
        )
    except AlreadyDeployed as refusal:
        return already_deployed(refusal)
    except DeployRefused as refusal:
        raise Refused(refusal.errors) from None
    message = deployment_message(live)
    return Status(
        201,
        DeployedSchema(
            success=True,
            live_strategy_id=live.pk,
            name=live.name,
            mode=live.mode,
            account_id=live.account_id,
            status=live.status,
            message=message,
        ),
    )


def already_deployed(refusal: AlreadyDeployed) -> Status[Any]:
    existing = refusal.existing.pk
    url = reverse("livetrading:detail", args=[existing])
    return Status(409, {"detail": str(refusal), "live_strategy_id": existing, "url": url})
