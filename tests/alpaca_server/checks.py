"""The rules that an order has to meet before it is accepted; each refusal has Alpaca's status and code."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.alpaca_server.market import CENT, ZERO, Asset, Market
from tests.alpaca_server.orders import Order
from tests.alpaca_server.wire import Refusal, number

INVALID, UNREADABLE, FORBIDDEN = 42210000, 40010001, 40310000
NEEDED = {
    "market": (),
    "limit": ("limit_price",),
    "stop": ("stop_price",),
    "stop_limit": ("stop_price", "limit_price"),
}
DOLLAR = Decimal(1)


def refuse(message: str, code: int = INVALID) -> Refusal:
    return Refusal(422, code, message)


def forbid(message: str, **more: object) -> Refusal:
    return Refusal(403, FORBIDDEN, message, **more)


@dataclass(frozen=True)
class Wanted:
    """The readable part of a new order. take_profit: the limit of that leg; stop_loss: the stop, and perhaps the
    limit, of that one."""

    asset: Asset
    side: str
    type: str
    time_in_force: str
    qty: Decimal
    order_class: str
    limit_price: Decimal | None
    stop_price: Decimal | None
    extended_hours: bool
    take_profit: Decimal | None
    stop_loss: tuple[Decimal, Decimal | None] | None
    position_intent: str = ""

    @property
    def is_whole(self) -> bool:
        return self.qty == self.qty.to_integral_value()


def read(body: dict[str, Any], market: Market) -> Wanted:
    """Raises Refusal."""
    asset = market.assets.get(str(body.get("symbol")))
    if asset is None:
        raise refuse(f'asset "{body.get("symbol")}" not found')
    if not asset.tradable or asset.status != "active":
        raise refuse(f'asset "{asset.symbol}" is not tradable')
    kind, side, time_in_force = body.get("type"), body.get("side"), body.get("time_in_force")
    if kind not in NEEDED:
        raise refuse("invalid type", UNREADABLE)
    if side not in ("buy", "sell"):
        raise refuse("invalid side", UNREADABLE)
    if time_in_force not in ("day", "gtc", "opg"):
        raise refuse("invalid time_in_force", UNREADABLE)
    order_class = body.get("order_class") or ""
    if order_class not in ("", "simple", "bracket", "oto", "oco"):
        raise refuse("invalid order_class", UNREADABLE)
    client_order_id = body.get("client_order_id")
    if client_order_id is not None and not 0 < len(client_order_id) <= 128:
        raise refuse("client_order_id must be no more than 128 characters", UNREADABLE)
    qty = _number(body, "qty")
    if qty is None:
        raise refuse("qty is required", UNREADABLE)
    take_profit, stop_loss = body.get("take_profit"), body.get("stop_loss")
    wanted = Wanted(
        asset=asset,
        side=side,
        type=kind,
        time_in_force=time_in_force,
        qty=qty,
        order_class="" if order_class == "simple" else order_class,
        limit_price=price_of(body, "limit_price"),
        stop_price=price_of(body, "stop_price"),
        extended_hours=bool(body.get("extended_hours")),
        take_profit=_needed(take_profit, "limit_price", "take_profit.") if take_profit else None,
        stop_loss=_stop_loss(stop_loss) if stop_loss else None,
        position_intent=str(body.get("position_intent") or ""),
    )
    _check_shape(wanted)
    return wanted


def _check_shape(wanted: Wanted) -> None:
    if wanted.qty <= 0:
        raise refuse("qty must be > 0")
    oco = wanted.order_class == "oco"
    if not oco:
        for name in ("limit_price", "stop_price"):
            given, needed = getattr(wanted, name) is not None, name in NEEDED[wanted.type]
            if given != needed:
                verb = "orders require" if needed else "orders must not have"
                raise refuse(f"{wanted.type} {verb} {name.replace('_', ' ')}", UNREADABLE)
    if not wanted.is_whole:
        if not wanted.asset.fractionable:
            raise forbid("requested asset is not fractionable")
        if wanted.time_in_force != "day":
            raise refuse("fractional orders must be DAY orders")
        if wanted.order_class:
            raise refuse("fractional orders must be simple orders")
        if wanted.qty != round(wanted.qty, 9):
            raise refuse("qty has more than 9 decimal places")
    if wanted.extended_hours and (wanted.type != "limit" or wanted.time_in_force not in ("day", "gtc")):
        raise refuse("extended hours order must be DAY or GTC limit orders")
    if wanted.extended_hours and wanted.order_class:
        raise refuse("extended hours orders must be simple orders")
    if wanted.time_in_force == "opg" and (wanted.type not in ("market", "limit") or wanted.order_class):
        raise refuse("opg orders must be simple market or limit orders")
    _check_legs(wanted)


def _check_legs(wanted: Wanted) -> None:
    profit, loss = wanted.take_profit, wanted.stop_loss
    given = (profit is not None) + (loss is not None)
    if wanted.order_class == "":
        if given:
            raise refuse("simple orders must not have legs")
        return
    if wanted.order_class == "bracket" and given < 2:
        raise refuse("bracket orders require take_profit.limit_price and stop_loss.stop_price")
    if wanted.order_class == "oco" and (given < 2 or wanted.type != "limit"):
        raise refuse("oco orders require a limit order with take_profit.limit_price and stop_loss.stop_price")
    if wanted.order_class == "oto" and given != 1:
        raise refuse("oto orders require either take_profit or stop_loss")
    if profit is not None and loss is not None:
        above = profit > loss[0]
        sells = (wanted.side == "sell") == (wanted.order_class == "oco")
        if above != sells:
            raise refuse("take_profit.limit_price must be beyond stop_loss.stop_price")


def check_legs(wanted: Wanted, price: Decimal) -> None:
    """The exits of an entry are at least a cent away from its own price, or from the market's."""
    if wanted.order_class not in ("bracket", "oto"):
        return
    base, sign = wanted.limit_price or wanted.stop_price or price, 1 if wanted.side == "buy" else -1
    if wanted.take_profit is not None and sign * (wanted.take_profit - base) < CENT:
        word = ">= base_price + 0.01" if sign > 0 else "<= base_price - 0.01"
        raise Refusal(422, INVALID, f"take_profit.limit_price must be {word}", base_price=number(base))
    if wanted.stop_loss is not None and sign * (base - wanted.stop_loss[0]) < CENT:
        word = "<= base_price - 0.01" if sign > 0 else ">= base_price + 0.01"
        raise Refusal(422, INVALID, f"stop_loss.stop_price must be {word}", base_price=number(base))


def check_stop(side: str, stop_price: Decimal | None, price: Decimal) -> None:
    """A stop that the price has passed already is refused."""
    if stop_price is None:
        return
    if side == "sell" and stop_price >= price:
        raise refuse("stop price must be less than current price")
    if side == "buy" and stop_price <= price:
        raise refuse("stop price must be greater than current price")


def check_cost(wanted: Wanted, price: Decimal) -> None:
    """A purchase is of at least a dollar."""
    if wanted.side == "buy" and wanted.qty * (wanted.limit_price or wanted.stop_price or price) < DOLLAR:
        raise forbid("cost basis must be >= minimal amount of order 1")


def check_wash(side: str, kind: str, limit: Decimal | None, symbol: str, orders: Iterable[Order]) -> None:
    """A simple order that could trade with an open order of the same account is refused."""
    for order in orders:
        if not order.is_open or order.symbol != symbol or order.side == side:
            continue
        if order.is_leg and not order.works:
            continue
        if kind == "limit" and order.type == "limit":
            buys, sells = (limit, order.limit_price) if side == "buy" else (order.limit_price, limit)
            if buys is None or sells is None or buys < sells:
                continue
            reason = "opposite side limit order exists"
        else:
            reason = "opposite side market/stop order exists"
        raise forbid(
            "potential wash trade detected. use complex orders",
            existing_order_id=order.id,
            reject_reason=reason,
        )


def insufficient(symbol: str, wanted: Decimal, held: Decimal, locked: Decimal, orders: list[str]) -> Refusal:
    available = max(held - locked, ZERO)
    return forbid(
        f"insufficient qty available for order (requested: {number(wanted)}, available: {number(available)})",
        symbol=symbol,
        available=number(available),
        existing_qty=number(held),
        held_for_orders=number(locked),
        related_orders=orders,
    )


def price_of(body: dict[str, Any], name: str, prefix: str = "") -> Decimal | None:
    """A price has two decimals, below a dollar four."""
    price = _number(body, name)
    if price is None:
        return None
    if price <= 0:
        raise refuse(f"{prefix}{name} must be > 0")
    if price != round(price, 2 if price >= DOLLAR else 4):
        reason = "sub-penny increment does not fulfill minimum pricing criteria"
        raise refuse(f"invalid {prefix}{name} {number(price)}. {reason}")
    return price


def _stop_loss(body: dict[str, Any]) -> tuple[Decimal, Decimal | None]:
    return _needed(body, "stop_price", "stop_loss."), price_of(body, "limit_price", "stop_loss.")


def _needed(body: dict[str, Any], name: str, prefix: str) -> Decimal:
    price = price_of(body, name, prefix)
    if price is None:
        raise refuse(f"{prefix}{name} is required", UNREADABLE)
    return price


def _number(body: dict[str, Any], name: str) -> Decimal | None:
    value = body.get(name)
    if value is None:
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise refuse(f"invalid {name}", UNREADABLE) from None
    if not found.is_finite():
        raise refuse(f"invalid {name}", UNREADABLE)
    return found
