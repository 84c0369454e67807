"""The open positions of an account, valued at the last closes, and closing them."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from ninja import Router, Status
from pydantic import AliasPath, Field

from livetrading.api.deployments import IdempotencyKey
from livetrading.api.orders import OrderSchema
from livetrading.models import LivePosition, Order, PaperPosition
from livetrading.pipeline.direct import act_without_workers
from livetrading.pipeline.outside_sales import NotRecorded, record_sale
from livetrading.services.closing import NotClosed, close_position, sold_with_key
from livetrading.summaries.account import read_account
from tradedesk.accounts.models import Mode, User
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import market_clock, read_clocks
from tradedesk.rest.bodies import Body
from tradedesk.rest.pages import in_pages
from tradedesk.rest.refusals import BAD_BODY, BAD_QUERY, UNKNOWN, Problem, Refused, Responses, find
from tradedesk.rest.schemas import EmptyAsNull, Percent, Schema

router = Router()


class LotSchema(Schema):
    """An open trade. unrealized_* are null if the symbol has no bars."""

    trade_id: int = Field(validation_alias=AliasPath("trade", "pk"))
    live_strategy_id: int | None = Field(validation_alias=AliasPath("trade", "live_strategy_id"))
    shares: float = Field(validation_alias="quantity")
    entry_time: datetime = Field(validation_alias=AliasPath("trade", "entry_time"))
    entry_price: float = Field(validation_alias=AliasPath("trade", "entry_price"))
    stop_price: float | None = Field(validation_alias=AliasPath("trade", "stop_price"))
    target_price: float | None = Field(validation_alias=AliasPath("trade", "target_price"))
    protection: Annotated[str | None, EmptyAsNull] = Field(
        description="Where its stop and target are kept; null without a working order for them.",
        examples=["At the broker, with the entry"],
    )
    unrealized_pnl: float | None = Field(validation_alias="unrealized")
    unrealized_pct: Percent | None = Field(
        validation_alias="unrealized_return", description="Percent of the cost."
    )


class PositionSchema(Schema):
    """The sum of the lots of a symbol. last_price and unrealized_* are null if it has no bars."""

    id: int | None = Field(
        description="Of the account's position in the symbol, also for the lots of one strategy. Null when it was "
        "sold while it was read."
    )
    symbol: str = Field(examples=["AAPL"])
    shares: float = Field(validation_alias="quantity", examples=[12])
    average_price: float = Field(examples=[30.5])
    last_price: float | None = Field(examples=[31.25])
    market_value: float = Field(description="Dollars; the cost if there is no last price.")
    unrealized_pnl: float | None = Field(validation_alias="unrealized")
    unrealized_pct: Percent | None = Field(
        validation_alias="unrealized_return", description="Percent of the cost."
    )
    lots: list[LotSchema]


@router.get("/positions", response={200: list[PositionSchema], **BAD_QUERY})
@in_pages
def list_positions(request: UserRequest) -> list[PositionSchema]:
    """Your open positions in your current mode, by symbol."""
    return open_positions(request.user, request.user.mode)


class CloseBody(Body):
    quantity: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Shares to sell, of the oldest lots first. Null: all.", examples=[5]
    )


class ClosingSchema(Schema):
    """The market orders that sell it. They fill at the next open on the replay, and while the market is closed."""

    orders: list[OrderSchema]


CLOSE_RESPONSES: Responses = {202: ClosingSchema, **UNKNOWN, **BAD_BODY, 409: Problem}


@router.post("/positions/{int:position_id}/close", response=CLOSE_RESPONSES)
def close_one_position(
    request: UserRequest,
    position_id: int,
    body: CloseBody | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Status[object]:
    """Sells a position at the market, all or some of its shares; what is left stays protected. A repeated request
    with the same key sells nothing more, and returns the orders of the first one; without a key only while they
    work."""
    user = request.user
    model = PaperPosition if user.mode == Mode.PAPER else LivePosition
    rows = model._default_manager.filter(account__user=user, account__mode=user.mode)
    earlier = [] if rows.filter(pk=position_id).exists() else sold_with_key(user, idempotency_key or "")
    if earlier:  # they have sold all of it
        return answer_closing(request, earlier[0].account_id, lambda: earlier)
    position = find(rows.select_related("account"), position_id)
    quantity = None if body is None or body.quantity is None else Decimal(str(body.quantity))
    now, wall_now = read_clocks()
    return answer_closing(
        request,
        position.account_id,
        lambda: close_position(
            position.account,
            position.symbol,
            quantity,
            by=user,
            now=now,
            wall_now=wall_now,
            close_key=idempotency_key or "",
        ),
    )


class OutsideSaleBody(Body):
    price: Annotated[float, Field(gt=0)] = Field(description="Dollars for each share.", examples=[31.2])


@router.post(
    "/positions/{int:position_id}/sold-outside", response={200: ClosingSchema, **UNKNOWN, **BAD_BODY, 409: Problem}
)
def record_outside_sale(request: UserRequest, position_id: int, body: OutsideSaleBody) -> Status[object]:
    """Books the shares that the broker holds less than the desk's records as sold at this price, of the oldest
    lots first. Nothing is sent to the broker. 409 unless the difference has lasted some minutes and nothing
    explains it."""
    model = PaperPosition if request.user.mode == Mode.PAPER else LivePosition
    rows = model._default_manager.filter(account__user=request.user, account__mode=request.user.mode)
    position = find(rows.select_related("account"), position_id)
    now, wall_now = read_clocks()
    price = Decimal(str(body.price))
    try:
        orders = record_sale(position.account, position.symbol, price, by=request.user, now=now, wall_now=wall_now)
    except NotRecorded as refusal:
        if refusal.field:
            raise Refused({refusal.field: str(refusal)}) from None
        return Status(409, Problem(detail=str(refusal)))
    act_without_workers([position.account_id], read_clocks)
    return Status(200, _closing(request, orders))


def answer_closing(request: UserRequest, account_id: int, close: Callable[[], list[Order]]) -> Status[object]:
    try:
        orders = close()
    except NotClosed as refusal:
        if refusal.field:
            raise Refused({refusal.field: str(refusal)}) from None
        return Status(409, Problem(detail=str(refusal)))
    act_without_workers([account_id], read_clocks)
    return Status(202, _closing(request, orders))


def _closing(request: UserRequest, orders: list[Order]) -> ClosingSchema:
    rows = request.user.orders.select_related("account").filter(pk__in=[order.pk for order in orders])
    return ClosingSchema(orders=[OrderSchema.model_validate(row) for row in rows])


def open_positions(user: User, mode: str) -> list[PositionSchema]:
    account = read_account(user, mode, market_clock().now())
    return [PositionSchema.model_validate(position) for position in account.positions]
