"""How the stand-in takes new orders: what it checks, and what it answers at once.

A request is only received; it takes effect when the test lets the account work.
"""

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tests.alpaca_server import checks
from tests.alpaca_server.books import Books
from tests.alpaca_server.checks import Wanted, forbid, refuse
from tests.alpaca_server.market import nanoseconds
from tests.alpaca_server.orders import Order
from tests.alpaca_server.wire import number
from tradedesk.marketdata.sessions import NEW_YORK

# Orders that are good till cancelled end after this time.
AGE = timedelta(days=90)


@dataclass
class Placing(Books):
    """doubled: client ids that were sent again. accept_twice: whether such an order is accepted all the same,
    under an id of the broker's own. wash_rule: whether an order that could trade with another one is refused.
    fractional_types: the types of orders that may have parts of a share; Alpaca's guide names these, its
    specification the first one alone. roll_up: whether a nested list of open orders has an entry that is filled
    because of its legs that work, or has these legs alone. shares_first: whether an id that was used before
    is refused only when everything else is right: shares, buying power, the old order of a replacement."""

    accept_twice: bool = False
    wash_rule: bool = True
    fractional_types: tuple[str, ...] = ("market", "limit", "stop", "stop_limit")
    roll_up: bool = True
    shares_first: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.doubled: list[str] = []

    # --- New orders ---

    def submit(self, body: dict[str, Any]) -> Order:
        """Raises Refusal."""
        client_order_id = "" if self.shares_first else self._new_client_id(body)
        wanted = checks.read(body, self.market)
        self._check_account()
        self._check_time(wanted)
        price = self.price(wanted.asset.symbol)
        if wanted.order_class != "oco":
            checks.check_stop(wanted.side, wanted.stop_price, price)
        checks.check_legs(wanted, price)
        checks.check_cost(wanted, price)
        if not wanted.is_whole and wanted.type not in self.fractional_types:
            raise refuse(f"fractional orders must be {' or '.join(self.fractional_types)} orders")
        if self.wash_rule and not wanted.order_class:
            self._check_wash(wanted)
        self._check_shares(wanted, price)
        return self._place(wanted, client_order_id or self._new_client_id(body))

    def _new_client_id(self, body: dict[str, Any]) -> str:
        given = body.get("client_order_id")
        if given is None or given not in self.orders:
            return str(given or self.market.new_id())
        if not self.accept_twice:
            raise refuse("client_order_id must be unique", checks.UNREADABLE)
        self.doubled.append(given)
        return self.market.new_id()

    def _check_account(self) -> None:
        if self.trade_suspended_by_user:
            raise forbid("new orders are rejected by user request")
        if self.status != "ACTIVE" or self.account_blocked or self.trading_blocked:
            raise forbid("account is not allowed to trade")

    def _check_time(self, wanted: Wanted) -> None:
        if wanted.time_in_force == "opg" and self.market.opg_open() is None:
            raise forbid("opg orders are not accepted after 9:28am and before 7:00pm ET")

    def _check_wash(self, wanted: Wanted) -> None:
        checks.check_wash(wanted.side, wanted.type, wanted.limit_price, wanted.asset.symbol, self.orders.values())

    def _check_shares(self, wanted: Wanted, price: Decimal, without: Order | None = None) -> None:
        """What a sale needs in shares, and a purchase in buying power."""
        symbol, qty = wanted.asset.symbol, wanted.qty
        held = self.held(symbol)
        closes = held * (1 if wanted.side == "sell" else -1) > 0
        inferred = f"{wanted.side}_to_{'close' if closes else 'open'}"
        if wanted.position_intent not in ("", inferred):
            raise refuse(f"position intent mismatch, inferred: {inferred}, specified: {wanted.position_intent}")
        if closes:
            locked = self.locked(symbol, wanted.side, without=without)
            if qty > abs(held) - locked:
                related = [o.id for o in self.orders.values() if o.is_open and o.symbol == symbol]
                raise checks.insufficient(symbol, qty, abs(held), locked, related)
        elif wanted.side == "sell" and not wanted.asset.shortable:
            raise refuse(f'asset "{symbol}" cannot be sold short')
        elif wanted.side == "sell" and not self.shorting_enabled:
            raise forbid("account is not allowed to short")
        elif wanted.side == "sell" and not wanted.is_whole:
            raise refuse("fractional orders cannot be sold short")
        else:
            cost = qty * (wanted.limit_price or wanted.stop_price or price)
            power = self.buying_power(without=without)
            if cost > power:
                raise forbid("insufficient buying power", buying_power=number(power), cost_basis=number(cost))

    def _place(self, wanted: Wanted, client_order_id: str) -> Order:
        group = self.market.new_id() if wanted.order_class else None
        oco = wanted.order_class == "oco"
        order = self._new(
            client_order_id,
            wanted,
            limit_price=wanted.take_profit if oco else wanted.limit_price,
            group=group,
            role=None if group is None else "take_profit" if oco else "entry",
        )
        leg = replace(wanted, side=wanted.side if oco else _other(wanted.side), extended_hours=False)
        if wanted.take_profit is not None and not oco:
            self._leg(order, leg, "take_profit", "limit", wanted.take_profit, None)
        if wanted.stop_loss is not None:
            stop, limit = wanted.stop_loss
            self._leg(order, leg, "stop_loss", "stop" if limit is None else "stop_limit", limit, stop)
        return order

    def _leg(
        self, order: Order, wanted: Wanted, role: str, kind: str, limit: Decimal | None, stop: Decimal | None
    ) -> None:
        leg = self._new(
            self.market.new_id(),
            replace(wanted, type=kind),
            limit_price=limit,
            stop_price=stop,
            group=order.group,
            role=role,
            parent=order.id,
        )
        leg.status, leg.wanted = "held", ""

    def _new(self, client_order_id: str, wanted: Wanted, **fields: Any) -> Order:
        opens = self.held(wanted.asset.symbol) * (1 if wanted.side == "buy" else -1) >= 0
        opens = opens and not fields.get("parent")
        order = Order(
            id=self.market.new_id(),
            client_order_id=client_order_id,
            asset=wanted.asset,
            side=wanted.side,
            type=wanted.type,
            qty=wanted.qty,
            time_in_force=wanted.time_in_force,
            created=self.market.stamp(),
            expires=nanoseconds(self._end_of(wanted)),
            order_class=wanted.order_class,
            extended_hours=wanted.extended_hours,
            position_intent=f"{wanted.side}_to_{'open' if opens else 'close'}",
            status="pending_new" if self.market.is_open else "accepted",
            **({"stop_price": wanted.stop_price} | fields),
        )
        self.add(order)
        if not order.is_leg:
            self.emit(order.status, order)
        return order

    def _end_of(self, wanted: Wanted) -> datetime:
        market = self.market
        if wanted.time_in_force == "opg":
            return market.opg_open() or market.now
        if wanted.time_in_force == "gtc":
            return market.close_after(market.now + AGE)
        if not wanted.extended_hours:
            return market.close_after(market.now)
        local = market.new_york
        day = local if market.has_session and local.hour < 20 else market.close_after(market.now)
        return datetime.combine(day.astimezone(NEW_YORK).date(), time(20), NEW_YORK)


def _other(side: str) -> str:
    return "sell" if side == "buy" else "buy"
