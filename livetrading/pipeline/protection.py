"""Protective exits as orders: those of an entry, where a broker keeps them, and their exact prices. Pure."""

import uuid
from collections.abc import Iterator
from decimal import Decimal

from livetrading.brokers.protocol import STOP_SUFFIX, TARGET_SUFFIX, Capabilities
from livetrading.models import Order, OrderState
from livetrading.models.order import STOPS, OrderType, TimeInForce
from livetrading.models.signal import OrderSide
from tradedesk.core import fills
from tradedesk.core.bars import Timeframe
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import RiskRules
from tradedesk.marketdata.sessions import is_open

_OFF = float("inf")
# How far from the close of the decision an entry may be filled, as a fraction of it, without an exit at a
# provisional price selling it at once: over night, and within a session. The price itself stays above a hundredth.
OVERNIGHT, IN_SESSION, LEAST = 0.15, 0.03, 0.01


def exit_price(rule: Order, fill_price: float) -> Decimal:
    """The price in dollars of a protective exit with this order's rule, after a fill at `fill_price`."""
    if rule.purpose == Order.Purpose.TAKE_PROFIT:
        return to_decimal(fills.target_price(fill_price, _number(rule.distance)))
    fixed = fills.stop_price(fill_price, _number(rule.distance))
    return to_decimal(max(fixed, trailing_level(rule, fill_price)))


def trailing_level(rule: Order, highest: float) -> float:
    """The price of the trailing stop with this order's rule below `highest`; -infinity for a fixed one."""
    level: float = fills.trailing_stop(highest, _number(rule.trailing_fraction), _number(rule.trailing_dollars))
    return level


def is_trailing(rule: Order, stop: float, fill_price: float) -> bool:
    """Whether a stop at this price is the trailing one of this order's two rules."""
    return bool(fills.is_trailing(stop, fill_price, _number(rule.distance)))


def _number(distance: float | Decimal | None) -> float:
    """As core.fills reads it."""
    return _OFF if distance is None else float(distance)


def prices_of(purpose: str, price: Decimal | None) -> dict[str, Decimal | None]:
    """The price as the column of the order's type: stop_price of a stop, limit_price of a target."""
    return {"stop_price" if purpose in STOPS else "limit_price": price}


def holder_of(quantity: Decimal, capabilities: Capabilities, *, attached: bool) -> Order.Holder:
    """Where a protective exit for `quantity` shares is kept; `attached`: whether it can travel with its entry."""
    whole = quantity == quantity.to_integral_value()
    if not whole and not capabilities.fractional_exits:
        return Order.Holder.DESK
    if attached and (capabilities.attached_exits_at_fill or capabilities.attached_exits_at_price):
        return Order.Holder.ATTACHED
    return Order.Holder.BROKER if capabilities.separate_exits else Order.Holder.DESK


def exits_of_entry(
    entry: Order, rules: RiskRules, close: float, capabilities: Capabilities, trailing_distance: float = _OFF
) -> list[Order]:
    """The protective exits of an entry, WAITING for its fill, with their rules.

    close: the price of the decision in dollars; a broker that takes attached exits at absolute prices gets a
    net from it. trailing_distance: of a trailing stop by ATR, in dollars.
    """
    holder = holder_of(entry.quantity, capabilities, attached=True)
    provisional = holder == Order.Holder.ATTACHED and not capabilities.attached_exits_at_fill
    exits = []
    for purpose, suffix, rule in _rules_of_exits(rules, trailing_distance):
        leg = protective_exit(
            entry,
            purpose,
            holder,
            price=None,
            quantity=entry.quantity,
            client_order_id=f"{entry.client_order_id}{suffix}",
            provisional=provisional,
            created_at=entry.created_at,
            state_changed_at=entry.state_changed_at,
            **rule,
        )
        if provisional:
            for name, price in prices_of(purpose, net_price(leg, close, entry.time_in_force)).items():
                setattr(leg, name, price)
        exits.append(leg)
    return exits


def net_price(rule: Order, close: float, time_in_force: str) -> Decimal:
    """The price of an exit that travels with its entry, before the fill: beyond the exact one of every fill within
    a usual gap from the close, because an entry that opens with a gap must not be sold at once. time_in_force: of
    the entry, which may wait for another day."""
    waits = time_in_force == TimeInForce.GTC or Timeframe(rule.timeframe).is_dated
    in_session = not waits and is_open(rule.created_at)
    gap = IN_SESSION if in_session else OVERNIGHT
    if rule.purpose == Order.Purpose.TAKE_PROFIT:
        return exit_price(rule, close * (1.0 + gap))
    return max(exit_price(rule, close * (1.0 - gap)), to_decimal(close * LEAST))


def _rules_of_exits(
    rules: RiskRules, trailing_distance: float
) -> Iterator[tuple[Order.Purpose, str, dict[str, object]]]:
    """The purpose of each exit, the end of its client_order_id, and the fields of its rule."""
    trails = trailing_distance < _OFF or rules.trailing_stop_pct is not None
    if trails:
        rule: dict[str, object] = {
            "distance": rules.stop_loss_pct,
            "trailing_fraction": rules.trailing_stop_pct,
            "trailing_dollars": to_decimal(trailing_distance) if trailing_distance < _OFF else None,
        }
        yield Order.Purpose.TRAILING_STOP, STOP_SUFFIX, rule
    elif rules.stop_loss_pct is not None:
        yield Order.Purpose.STOP_LOSS, STOP_SUFFIX, {"distance": rules.stop_loss_pct}
    if rules.take_profit_pct is not None:
        yield Order.Purpose.TAKE_PROFIT, TARGET_SUFFIX, {"distance": rules.take_profit_pct}


def protective_exit(
    entry: Order, purpose: Order.Purpose, holder: Order.Holder, *, price: Decimal | None, **fields: object
) -> Order:
    """A protective exit of the lot that `entry` opens, not stored yet. fields: of the order."""
    order_id = uuid.uuid4()
    values: dict[str, object] = {
        "id": order_id,
        "client_order_id": Order.client_id_of(order_id),
        "user_id": entry.user_id,
        "account_id": entry.account_id,
        "live_strategy_id": entry.live_strategy_id,
        "symbol": entry.symbol,
        "timeframe": entry.timeframe,
        "side": OrderSide.SELL,
        "purpose": purpose,
        "type": OrderType.STOP if purpose in STOPS else OrderType.LIMIT,
        "time_in_force": TimeInForce.GTC,
        "fractional": entry.fractional,
        "priority": entry.priority,
        "holder": holder,
        "opening_order": entry,
        "state": OrderState.WAITING,
    }
    return Order(**(values | prices_of(purpose, price) | fields))
