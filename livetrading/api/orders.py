"""Orders: the list, and cancelling one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.http import Http404
from ninja import Router, Status
from pydantic import AliasPath, Field

from livetrading.models import Order, OrderState
from livetrading.models.order import WORKING
from livetrading.models.signal import OrderSide
from livetrading.pipeline.direct import act_without_workers
from livetrading.services.order_cancel import NotCancelled, cancel_order
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import read_clocks
from tradedesk.rest.bodies import Text, Whole
from tradedesk.rest.pages import MappedQuerySet, in_pages
from tradedesk.rest.refusals import BAD_QUERY, UNKNOWN, Problem
from tradedesk.rest.schemas import EmptyAsNull, Schema

router = Router()

Symbol = Annotated[Text, Field(max_length=15)]


class OrderSchema(Schema):
    id: UUID
    live_strategy_id: int | None = Field(description="Null for an order without a live strategy.")
    mode: str = Field(validation_alias=AliasPath("account", "mode"), description="paper or live.")
    symbol: str = Field(examples=["AAPL"])
    side: OrderSide
    purpose: Order.Purpose
    type: str = Field(examples=["market"])
    state: OrderState
    reason: Annotated[str | None, EmptyAsNull] = Field(description="Why it was blocked, refused or cancelled.")
    shares: float = Field(validation_alias="quantity")
    filled_shares: float = Field(validation_alias="filled_quantity")
    filled_price: float | None
    trigger_price: float | None = Field(description="The price that a stop or a target waits for.")
    closes_order_id: UUID | None = Field(
        validation_alias="opening_order_id", description="Exits only: the entry whose shares it sells."
    )
    created_at: datetime


@router.get("/orders", response={200: list[OrderSchema], **BAD_QUERY})
@in_pages
def list_orders(
    request: UserRequest,
    state: OrderState | None = None,
    working: bool | None = None,
    symbol: Symbol = "",
    side: OrderSide | None = None,
    purpose: Order.Purpose | None = None,
    live_strategy_id: Whole | None = None,
) -> MappedQuerySet[Order]:
    """Your orders in your current mode, newest first. working: true for those that can still be filled."""
    own = {"account__mode": request.user.mode, "account__archived_at": None}
    rows = request.user.orders.filter(**own).select_related("account")
    chosen = {"state": state, "symbol": symbol.upper(), "side": side, "purpose": purpose}
    rows = rows.filter(**{name: value for name, value in chosen.items() if value})
    if live_strategy_id is not None:
        rows = rows.filter(live_strategy=live_strategy_id)
    if working is not None:
        rows = rows.filter(state__in=WORKING) if working else rows.exclude(state__in=WORKING)
    return MappedQuerySet(rows.order_by("-created_at", "pk"), _schemas)


@router.delete("/orders/{order_id}", response={200: OrderSchema, 202: OrderSchema, **UNKNOWN, 409: Problem})
def cancel_one_order(request: UserRequest, order_id: str) -> Status[object]:
    """Cancels an entry or an exit. 202: the broker is asked, and its answer shows whether it was in time. 409: it
    has ended, or protects shares that are held. A repeated request changes nothing."""
    order = _find(request, order_id)
    try:
        order = cancel_order(order, by=request.user, wall_now=read_clocks()[1])
    except NotCancelled as refusal:
        return Status(409, Problem(detail=str(refusal)))
    act_without_workers([order.account_id], read_clocks)
    order = _find(request, order_id)
    return Status(202 if order.state == OrderState.CANCEL_PENDING else 200, OrderSchema.model_validate(order))


def _find(request: UserRequest, order_id: str) -> Order:
    """Raises Http404, also for an order of another user and for what is no UUID."""
    try:
        return request.user.orders.select_related("account").get(pk=UUID(order_id))
    except (ValueError, Order.DoesNotExist):
        raise Http404(f"There is no order {order_id[:40]}.") from None


def _schemas(page: Sequence[Order]) -> list[OrderSchema]:
    return [OrderSchema.model_validate(order) for order in page]
