"""Orders on the wire: what the desk asks for, and what Alpaca reports. Pure."""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from livetrading.brokers.alpaca import words
from livetrading.brokers.alpaca.wire import number, optional, text, word
from livetrading.brokers.protocol import STOP_SUFFIX, TARGET_SUFFIX, BrokerOrder, OrderRefused, OrderRequest

CENT, FINE, DOLLAR = Decimal("0.01"), Decimal("0.0001"), Decimal(1)
Row = dict[str, Any]


def price_text(price: Decimal) -> str:
    """A price as Alpaca takes it: with two decimals, below a dollar with four. Raises OrderRefused for one that is
    not above zero then."""
    rounded = price.quantize(CENT if price >= DOLLAR else FINE, ROUND_HALF_UP)
    if rounded <= 0:
        raise OrderRefused(f"Alpaca takes no price of ${price.normalize():f}.")
    return f"{rounded.quantize(CENT if rounded >= DOLLAR else FINE):f}"


def price_as_sent(price: Decimal) -> Decimal:
    """The price that Alpaca gets for this one; one that it cannot get stays as it is."""
    try:
        return Decimal(price_text(price))
    except OrderRefused:
        return price


def quantity_text(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def is_whole(quantity: Decimal) -> bool:
    return quantity == quantity.to_integral_value()


def body_of(request: OrderRequest) -> Row:
    """A new order. Raises OrderRefused for one that cannot be written down."""
    if request.quantity <= 0:
        raise OrderRefused("The quantity must be above zero.")
    body = {
        "client_order_id": request.client_order_id,
        "symbol": request.symbol,
        "side": request.side,
        "qty": quantity_text(request.quantity),
        "type": request.type,
        # Parts of a share are bought and sold in orders for the day alone.
        "time_in_force": request.time_in_force if is_whole(request.quantity) else "day",
    }
    if request.side == "sell":
        # Without it Alpaca sells short what the account does not hold.
        body["position_intent"] = "sell_to_close"
    return body | _prices(request) | _legs(request)


def replacement_body(request: OrderRequest, old: Row) -> Row:
    """An order that replaces `old`. What it does not name stays, and the quantity of a leg must not be named with
    another value; good till cancelled, although a leg comes with the entry's order for the day. Raises
    OrderRefused for one that is filled in part: whose fills and shares the new one counts is not said anywhere."""
    if number(old, "filled_qty") > 0:
        raise OrderRefused("The order is being filled at Alpaca.")
    body = {"client_order_id": request.client_order_id, "time_in_force": request.time_in_force}
    if optional(old, "qty") != request.quantity:
        body["qty"] = quantity_text(request.quantity)
    return body | _prices(request)


def _prices(request: OrderRequest) -> Row:
    prices = {"limit_price": request.limit_price, "stop_price": request.stop_price}
    return {name: price_text(price) for name, price in prices.items() if price is not None}


def _legs(request: OrderRequest) -> Row:
    """The attached exits: of one it is an oto, of a stop and a target a bracket."""
    legs: Row = {}
    for leg in request.exits:
        if leg.price is None:
            raise OrderRefused("Alpaca takes attached exits at prices in dollars.")
        if leg.client_order_id != f"{request.client_order_id}{_suffix(leg.type)}":
            raise OrderRefused(
                "Alpaca chooses the ids of attached exits; the desk's must follow that of the entry."
            )
        if leg.type == "stop":
            legs["stop_loss"] = {"stop_price": price_text(leg.price)}
        else:
            legs["take_profit"] = {"limit_price": price_text(leg.price)}
    if legs:
        legs["order_class"] = "bracket" if len(legs) == 2 else "oto"
    return legs


# --- What Alpaca reports ---


def order_of(row: Any, client_order_id: str) -> BrokerOrder:
    """client_order_id: the desk's. Raises OutcomeUnknown for one that is not readable."""
    status = text(row, "status")
    filled = number(row, "filled_qty")
    return BrokerOrder(
        client_order_id=client_order_id,
        broker_order_id=text(row, "id"),
        state=words.state_of(status),
        # An order for dollars, which somebody else has placed, has no quantity.
        quantity=filled if (ordered := optional(row, "qty")) is None else ordered,
        filled_quantity=filled,
        limit_price=optional(row, "limit_price"),
        stop_price=optional(row, "stop_price"),
        reason=words.ENDS.get(status, ""),
    )


def legs_of(row: Row) -> list[Row]:
    return [leg for leg in row.get("legs") or () if isinstance(leg, dict)]


def with_ids(row: Row) -> Iterator[tuple[str, Row]]:
    """An order and its legs, each with the client_order_id that the desk knows it by. A leg that has replaced one
    has an id of the desk; the first ones have ids of Alpaca, and the desk's follow from that of the entry."""
    known = text(row, "client_order_id")
    yield known, row
    for leg in legs_of(row):
        first = not word(leg, "replaces")
        yield (f"{known}{_suffix(word(leg, 'type'))}" if first else text(leg, "client_order_id")), leg


def entry_id_of(client_order_id: str) -> str:
    """The client_order_id of the entry that an attached exit travelled with; "" for another order."""
    for suffix in (STOP_SUFFIX, TARGET_SUFFIX):
        if client_order_id.endswith(suffix):
            return client_order_id.removesuffix(suffix)
    return ""


def leg_with_id(row: Row, client_order_id: str) -> Row | None:
    """The leg of this entry that the desk knows by this id, or the one that has replaced it."""
    suffix = client_order_id.removeprefix(text(row, "client_order_id"))
    fitting = [leg for leg in legs_of(row) if _suffix(word(leg, "type")) == suffix]
    return next((leg for leg in fitting if not word(leg, "replaces")), fitting[0] if fitting else None)


def _suffix(kind: str) -> str:
    return STOP_SUFFIX if kind in ("stop", "stop_limit") else TARGET_SUFFIX
