"""Orders by hand, on paper and with real money."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from django.http import Http404
from ninja import Header, Router, Status
from pydantic import AliasPath, Field

from livetrading.api.deployments import IdempotencyKey
from livetrading.models import BrokerAccount, Order, OrderState
from livetrading.models.order import OrderType, TimeInForce
from livetrading.models.signal import OrderSide
from livetrading.pipeline.by_ticket import NotPlaced, place
from livetrading.pipeline.direct import act_without_workers
from livetrading.pipeline.gate import Held
from livetrading.pipeline.tickets import TIMES, TYPES, Problem, Ticket
from livetrading.services.accounts import NoBroker, active_account
from tradedesk.accounts.models import Mode
from tradedesk.accounts.requests import UserRequest
from tradedesk.core.rules import DEPLOYED_RULES
from tradedesk.marketdata.clock import market_status, read_clocks
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol
from tradedesk.rest import refusals
from tradedesk.rest.bodies import Body, Id, Text
from tradedesk.rest.refusals import BAD_BODY, UNKNOWN, FieldProblem, Refused, Responses
from tradedesk.rest.schemas import Schema

router = Router(tags=["orders by hand"])

Amount = Annotated[float, Field(gt=0, lt=1e9)]
Confirmation = Annotated[
    str | None,
    Header(None, alias="X-Confirm-Live-Trade", max_length=16, description="true: the order may use real money."),
]
_TYPES, _TIMES = tuple(map(str, TYPES)), tuple(map(str, TIMES))


class OrderBody(Body):
    """Either qty or dollars. `*_pct` are fractions: 0.1 is 10%."""

    symbol: Text = Field(examples=["AAPL"])
    qty: Amount | None = Field(None, description="Shares.", examples=[10])
    dollars: Amount | None = Field(None, description="Buys or sells as many shares as this pays for.")
    side: Text = Field(description="buy or sell.", examples=["buy"])
    order_type: Text = Field("market", description="market, limit or stop.", examples=["limit"])
    limit_price: Amount | None = Field(None, description="Of a limit order.", examples=[31.2])
    stop_price: Amount | None = Field(None, description="Of a stop order.")
    time_in_force: Text = Field("day", description="day or gtc, of a limit or stop order.")
    stop_loss_pct: float | None = Field(None, description="Of a purchase: the stop below its fill price.")
    take_profit_pct: float | None = Field(None, description="Of a purchase: the target above its fill price.")
    fractional: bool = Field(False, description="With dollars: whether parts of a share are bought.")
    live_strategy_id: Id | None = Field(
        None, description="Of a sale: whose shares are sold. Null: those that were bought by hand."
    )


class PlacedOrderSchema(Schema):
    """A sale of several lots has an order for each of them; order_id and the figures are those of the first."""

    order_id: UUID = Field(validation_alias="id")
    symbol: str
    qty: float = Field(validation_alias="quantity")
    side: OrderSide
    order_type: str = Field(validation_alias="type")
    status: OrderState = Field(validation_alias="state")
    reason: str
    filled_qty: float = Field(validation_alias="filled_quantity")
    filled_price: float | None
    mode: Mode = Field(validation_alias=AliasPath("account", "mode"))
    order_ids: list[UUID] = Field(description="Of all orders of the request.")


class OrderProblem(FieldProblem):
    rule: str | None = Field(description="What holds the order back, such as account_rule or buying_power.")


class OrderProblems(Schema):
    detail: list[OrderProblem]


PLACED: Responses = {201: PlacedOrderSchema, **BAD_BODY, 409: refusals.Problem, 422: OrderProblems}


@router.post("/paper/orders", response=PLACED)
def place_paper_order(
    request: UserRequest, body: OrderBody, idempotency_key: IdempotencyKey = None
) -> Status[object]:
    """Places an order on paper; a worker sends it. 400: you are in live mode. 409: the account is halted, or the
    key was used for another order. 422: invalid values, or a rule holds it back. A repeated request with the same
    key returns the order of the first one."""
    return _answer(request, Mode.PAPER, body, idempotency_key)


@router.post("/live/orders", response={**PLACED, 428: refusals.Problem})
def place_live_order(
    request: UserRequest,
    body: OrderBody,
    idempotency_key: IdempotencyKey = None,
    confirm_live_trade: Confirmation = None,
) -> Status[object]:
    """The same with real money. 400: you are in paper mode. 428: without `X-Confirm-Live-Trade: true`."""
    if request.user.mode == Mode.LIVE and confirm_live_trade != "true":
        detail = "Send the header X-Confirm-Live-Trade: true. The order uses real money."
        return Status(428, refusals.Problem(detail=detail))
    return _answer(request, Mode.LIVE, body, idempotency_key)


@router.get("/paper/orders/{order_id}", response={200: PlacedOrderSchema, **UNKNOWN})
def read_paper_order(request: UserRequest, order_id: str) -> PlacedOrderSchema:
    """One order of a paper account."""
    return _schema(_find(request, Mode.PAPER, order_id))


@router.get("/live/orders/{order_id}", response={200: PlacedOrderSchema, **UNKNOWN})
def read_live_order(request: UserRequest, order_id: str) -> PlacedOrderSchema:
    """One order of a live account."""
    return _schema(_find(request, Mode.LIVE, order_id))


def _answer(request: UserRequest, mode: Mode, body: OrderBody, key: str | None) -> Status[object]:
    if request.user.mode != mode:
        detail = f"You are in {request.user.mode} mode. Nothing was ordered."
        return Status(400, refusals.Problem(detail=detail))
    now, wall_now = read_clocks()
    ticket = _ticket(body)
    try:
        account = active_account(request.user.pk, mode, wall_now)
        account = BrokerAccount.objects.select_related("user").get(pk=account.pk)
        orders = place(
            account,
            ticket,
            by=request.user,
            now=now,
            wall_now=wall_now,
            key=key or "",
            ended=market_status().ended,
        )
    except NoBroker as error:
        return Status(409, refusals.Problem(detail=str(error)))
    except NotPlaced as refusal:
        if refusal.code == "key" or any(problem.code == Held.HALT for problem in refusal.problems):
            return Status(409, refusals.Problem(detail=str(refusal)))
        return Status(422, OrderProblems(detail=[_problem(each) for each in refusal.problems]))
    if not ticket.buys:
        act_without_workers([account.pk], read_clocks)
    return Status(201, _schema(_find(request, mode, str(orders[0].pk))))


def _ticket(body: OrderBody) -> Ticket:
    """Raises Refused."""
    errors = {}
    for field, choices in (("side", OrderSide.values), ("order_type", _TYPES), ("time_in_force", _TIMES)):
        if getattr(body, field) not in choices:
            errors[field] = f"Choose {', '.join(choices)}."
    for name in ("stop_loss_pct", "take_profit_pct"):
        rule, value = DEPLOYED_RULES[name], getattr(body, name)
        if value is not None and not rule.low <= value <= rule.high:
            errors[name] = f"Between {rule.low:.10g} and {rule.high:.10g}, as a fraction."
    if (body.qty is None) == (body.dollars is None):
        errors["qty"] = "Send either qty or dollars."
    try:
        symbol = clean_symbol(body.symbol)
    except InvalidSymbol as error:
        errors["symbol"] = str(error)
    if errors:
        raise Refused(errors)
    buys = body.side == OrderSide.BUY
    return Ticket(
        symbol=symbol,
        side=body.side,
        type=OrderType(body.order_type),
        shares=_decimal(body.qty),
        dollars=_decimal(body.dollars),
        limit_price=_decimal(body.limit_price),
        stop_price=_decimal(body.stop_price),
        time_in_force=TimeInForce.DAY if body.order_type == OrderType.MARKET else body.time_in_force,
        stop_loss_pct=body.stop_loss_pct if buys else None,
        take_profit_pct=body.take_profit_pct if buys else None,
        fractional=body.fractional,
        live_id=None if buys else body.live_strategy_id,
    )


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value))


def _problem(problem: Problem) -> OrderProblem:
    field = {"quantity": "qty"}.get(problem.field, problem.field)
    rule = None if problem.code == "value" else problem.code
    return OrderProblem(field=field, message=str(problem), rule=rule)


def _find(request: UserRequest, mode: Mode, order_id: str) -> Order:
    """Raises Http404, also for an order of another user or mode, and for what is no UUID."""
    try:
        rows = request.user.orders.filter(account__mode=mode).select_related("account")
        return rows.get(pk=UUID(order_id))
    except (ValueError, Order.DoesNotExist):
        raise Http404(f"There is no order {order_id[:40]}.") from None


def _schema(order: Order) -> PlacedOrderSchema:
    ids = [order.pk]
    if order.close_key:
        same = order.account.orders.filter(close_key=order.close_key).order_by("created_at", "pk")
        ids = list(same.values_list("pk", flat=True))
    return PlacedOrderSchema.of(order, order_ids=ids)
