"""The books of one account at the stand-in: cash, positions, orders and activities, and what it says of them."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from tests.alpaca_server.activities import Activity
from tests.alpaca_server.market import ZERO, Market, Path
from tests.alpaca_server.orders import Order
from tests.alpaca_server.wire import number, time_text


@dataclass
class Holding:
    """qty: below zero when short. cost: what the shares cost, below zero when short."""

    qty: Decimal = ZERO
    cost: Decimal = ZERO

    def add(self, signed: Decimal, price: Decimal) -> None:
        if self.qty * signed >= 0:
            self.qty, self.cost = self.qty + signed, self.cost + signed * price
            return
        closed = min(abs(signed), abs(self.qty))
        left = (abs(self.qty) - closed) / abs(self.qty)
        rest = abs(signed) - closed
        sign = 1 if signed > 0 else -1
        self.qty, self.cost = self.qty + signed, self.cost * left + sign * rest * price


@dataclass
class Books:
    """key and secret: of the account's requests. multiplier: of the buying power. orders: by client_order_id, in
    the order of their arrival; legs: by the id of their entry. frozen: the positions that are reported instead of
    the present ones. hidden: ids of activities, and client ids of orders, that are not reported yet. shuffled:
    whether activities are reported twice and in another order. events: what the stream of trade updates tells."""

    market: Market
    key: str
    secret: str
    cash: Decimal = Decimal(100_000)
    multiplier: int = 1
    status: str = "ACTIVE"
    trading_blocked: bool = False
    account_blocked: bool = False
    trade_suspended_by_user: bool = False
    shorting_enabled: bool = False
    id: str = ""
    number: str = ""
    orders: dict[str, Order] = field(default_factory=dict)
    by_id: dict[str, Order] = field(default_factory=dict)
    legs: dict[str, list[Order]] = field(default_factory=dict)
    holdings: dict[str, Holding] = field(default_factory=dict)
    activities: list[Activity] = field(default_factory=list)
    paths: dict[str, Path] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    frozen: list[dict[str, Any]] | None = None
    hidden: set[str] = field(default_factory=set)
    shuffled: bool = False
    unbooked: list[tuple[date, Decimal]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.id = self.id or self.market.new_id()
        self.number = self.number or f"PA{self.id.replace('-', '')[:10].upper()}"
        self.paths = self.market.new_paths()
        self.created = self.market.stamp()
        self.last_equity = self.cash

    @property
    def lock(self) -> Any:
        return self.market.lock

    # --- Orders ---

    def add(self, order: Order) -> None:
        self.orders[order.client_order_id] = self.by_id[order.id] = order
        if order.parent is not None:
            self.legs.setdefault(order.parent, []).append(order)

    def order(self, order_id: str) -> Order | None:
        return self.by_id.get(order_id)

    def legs_of(self, order: Order) -> list[Order]:
        """The legs of this order; of a replaced one, what replaced it."""
        return [leg for leg in self.legs.get(order.id, ()) if leg.status != "replaced"]

    def group_of(self, order: Order) -> list[Order]:
        """The other open orders of the same bracket, oto or oco."""
        return [
            each
            for each in self.orders.values()
            if order.group is not None and each.group == order.group and each is not order and each.is_open
        ]

    def answer_of(self, order: Order, *, nested: bool = False) -> dict[str, object]:
        return order.answer(self.legs_of(order) if nested else None)

    def emit(self, event: str, order: Order, **more: object) -> None:
        stamp = time_text(self.market.stamp())
        about = {"event": event, "timestamp": stamp, "order": order.answer()}
        self.events.append(about | {"execution_id": self.market.new_id()} | more)

    # --- Shares and money ---

    def held(self, symbol: str) -> Decimal:
        holding = self.holdings.get(symbol)
        return ZERO if holding is None else holding.qty

    def locked(self, symbol: str, side: str = "sell", *, without: Order | None = None) -> Decimal:
        """The shares that open orders of this side have locked; the orders of one group lock theirs once, and so
        do an order and the one that is to replace it."""
        locked: dict[str, Decimal] = {}
        for order in self.orders.values():
            if not order.is_open or order.symbol != symbol or order.side != side or order is without:
                continue
            entry = None if order.parent is None else self.order(order.parent)
            if entry is not None and entry.side != side and entry.status != "filled":
                continue  # a leg whose shares are not bought yet
            if without is not None and order.group is not None and order.group == without.group:
                continue
            key = order.group or self._settled_id(order)
            locked[key] = max(locked.get(key, ZERO), self._left(order))
        return sum(locked.values(), ZERO)

    def _settled_id(self, order: Order) -> str:
        """Of the order itself, or of the one that it is to replace."""
        return order.replaces if order.replaces and order.wanted == "accept" else order.id

    def _left(self, order: Order) -> Decimal:
        """What remains of it, without what the order that it is to replace has got since it was asked for."""
        old = self.by_id[order.replaces] if order.replaces and order.wanted == "accept" else None
        return order.remaining if old is None else max(order.remaining - (old.filled - order.begun), ZERO)

    @property
    def long_value(self) -> Decimal:
        return sum((h.qty * self.price(s) for s, h in self.holdings.items() if h.qty > 0), ZERO)

    @property
    def short_value(self) -> Decimal:
        return sum((h.qty * self.price(s) for s, h in self.holdings.items() if h.qty < 0), ZERO)

    @property
    def equity(self) -> Decimal:
        return self.cash + self.long_value + self.short_value

    def reserved(self, *, without: Order | None = None) -> Decimal:
        """What the open purchases will cost; the larger of an order and the one that is to replace it."""
        costs: dict[str, Decimal] = {}
        for order in self.orders.values():
            if order is not without:
                key = self._settled_id(order)
                costs[key] = max(costs.get(key, ZERO), self.cost_of(order))
        return sum(costs.values(), ZERO)

    def cost_of(self, order: Order) -> Decimal:
        if not order.is_open or order.side != "buy" or order.is_leg or self.held(order.symbol) < 0:
            return ZERO
        return self._left(order) * (order.limit_price or order.stop_price or self.price(order.symbol))

    def buying_power(self, *, without: Order | None = None) -> Decimal:
        if self.multiplier == 1:
            power = self.cash
        else:
            power = self.equity * self.multiplier - self.long_value + self.short_value
        return max(power - self.reserved(without=without), ZERO)

    def price(self, symbol: str) -> Decimal:
        return self.market.prices[symbol]

    # --- What it says ---

    def account_answer(self) -> dict[str, object]:
        margin = (self.long_value - self.short_value) / 2
        return {
            "id": self.id,
            "account_number": self.number,
            "status": self.status,
            "crypto_status": "INACTIVE",
            "currency": "USD",
            "buying_power": number(self.buying_power()),
            "regt_buying_power": number(self.buying_power()),
            "options_buying_power": number(max(self.cash, ZERO)),
            "non_marginable_buying_power": number(max(self.cash - self.reserved(), ZERO)),
            "cash": number(self.cash),
            "accrued_fees": number(sum((amount for _, amount in self.unbooked), ZERO)),
            "portfolio_value": number(self.equity),
            "trading_blocked": self.trading_blocked,
            "transfers_blocked": False,
            "account_blocked": self.account_blocked,
            "created_at": time_text(self.created),
            "trade_suspended_by_user": self.trade_suspended_by_user,
            "multiplier": str(self.multiplier),
            "shorting_enabled": self.shorting_enabled,
            "equity": number(self.equity),
            "last_equity": number(self.last_equity),
            "long_market_value": number(self.long_value),
            "short_market_value": number(self.short_value),
            "initial_margin": number(margin),
            "maintenance_margin": number(margin * Decimal("0.6")),
            "last_maintenance_margin": "0",
            "sma": "0",
            "balance_asof": self.market.new_york.date().isoformat(),
            "options_approved_level": 0,
            "options_trading_level": 0,
            "intraday_adjustments": "0",
            "pending_reg_taf_fees": "0",
        }

    def position_answers(self) -> list[dict[str, Any]]:
        if self.frozen is not None:
            return self.frozen
        return [self._position(symbol, held) for symbol, held in sorted(self.holdings.items()) if held.qty]

    def freeze_positions(self) -> None:
        """Report the present positions from now on, whatever happens."""
        self.frozen = self.position_answers()

    def _position(self, symbol: str, held: Holding) -> dict[str, Any]:
        price, last = self.price(symbol), self.market.closes[symbol]
        asset, value = self.market.assets[symbol], held.qty * price
        gain, today = value - held.cost, held.qty * (price - last)
        locked = self.locked(symbol, "sell" if held.qty > 0 else "buy")
        fraction = Decimal("0.0000000001")
        return {
            "asset_id": asset.id,
            "symbol": symbol,
            "exchange": asset.exchange,
            "asset_class": "us_equity",
            "asset_marginable": asset.marginable,
            "qty": number(held.qty),
            "qty_available": number(held.qty - locked if held.qty > 0 else held.qty + locked),
            "avg_entry_price": number((held.cost / held.qty).quantize(Decimal("0.000001"))),
            "side": "long" if held.qty > 0 else "short",
            "market_value": number(value),
            "cost_basis": number(held.cost),
            "unrealized_pl": number(gain),
            "unrealized_plpc": number((gain / abs(held.cost)).quantize(fraction) if held.cost else ZERO),
            "unrealized_intraday_pl": number(today),
            "unrealized_intraday_plpc": number((today / abs(held.qty * last)).quantize(fraction)),
            "current_price": number(price),
            "lastday_price": number(last),
            "change_today": number((price / last - 1).quantize(fraction)),
        }
