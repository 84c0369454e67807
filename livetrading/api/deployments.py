"""Deploy to Live, in one call."""

from typing import Annotated, Any

from django.urls import reverse
from ninja import Header, Router, Status
from pydantic import Field

from livetrading.services.deploy import AlreadyDeployed, Choices, DeployRefused, deploy, deployment_message
from tradedesk.accounts.requests import UserRequest
from tradedesk.core.rules import DEPLOYED_RULES
from tradedesk.marketdata.clock import market_clock
from tradedesk.rest.bodies import Body, Text, Whole
from tradedesk.rest.refusals import BAD_BODY, UNKNOWN, Refused, find
from tradedesk.rest.rule_fields import with_rules
from tradedesk.rest.schemas import Schema

DEFAULTS = Choices()

router = Router()


@with_rules(DEPLOYED_RULES.values())
class QuickDeployBody(Body):
    """`*_pct` are fractions: 0.02 is 2%."""

    strategy_id: Whole = Field(examples=[12])
    symbols: list[Text] = Field(description="What to trade, at least one.", examples=[["AAPL", "MSFT"]])
    name: Text = Field("", description="Left out: Live - and the strategy's name. At most 100 characters.")
    check_interval: Whole = Field(DEFAULTS.check_interval, description="Seconds between two checks, 60 to 3600.")
    auto_execute: bool = Field(DEFAULTS.auto_execute, description="Off: signals are only written down.")


class Deployed(Schema):
    success: bool = Field(examples=[True])
    live_strategy_id: int = Field(examples=[3])
    name: str = Field(examples=["Live - Golden cross"])
    status: str = Field(examples=["active"])
    message: str


class DeployedAlready(Schema):
    """The same deployment is active already."""

    detail: str
    live_strategy_id: int
    url: str = Field(description="Its page.", examples=["/dashboard/live-trading/3"])


IdempotencyKey = Annotated[
    Text | None,
    Header(
        None,
        alias="Idempotency-Key",
        max_length=64,
        description="One per deployment, of your own making: sent again with the same key, it deploys once.",
    ),
]


@router.post("/quick-deploy", response={201: Deployed, **UNKNOWN, 409: DeployedAlready, **BAD_BODY})
def quick_deploy(
    request: UserRequest, deployment: QuickDeployBody, idempotency_key: IdempotencyKey = None
) -> Status[Any]:
    """Deploys a strategy in your present mode. Its first check starts at once."""
    values = deployment.model_dump()
    strategy = find(request.user.strategies.all(), values.pop("strategy_id"))
    rules = {name: values[name] for name in DEPLOYED_RULES}
    try:
        live = deploy(
            request.user,
            strategy,
            now=market_clock().now(),
            deploy_key=idempotency_key or "",
            symbols=values["symbols"],
            name=values["name"],
            choices=Choices(
                check_interval=values["check_interval"], auto_execute=values["auto_execute"], rules=rules
            ),
        )
    except AlreadyDeployed as refusal:
        existing = refusal.existing.pk
        url = reverse("livetrading:detail", args=[existing])
        return Status(409, {"detail": str(refusal), "live_strategy_id": existing, "url": url})
    except DeployRefused as refusal:
        raise Refused(refusal.errors) from None
    message = deployment_message(live)
    return Status(
        201,
        Deployed(success=True, live_strategy_id=live.pk, name=live.name, status=live.status, message=message),
    )
