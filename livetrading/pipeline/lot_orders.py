"""What a plan of protection is made from, the orders of each lot and what is known of the market; and what it
consists of. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from livetrading.brokers.protocol import BrokerOrder, Capabilities
from livetrading.models import Order, OrderState
from livetrading.models.order import WORKING, OrderType
from livetrading.models.trade import Trade
from tradedesk.core.bars import Bars
from tradedesk.core.money import DUST
from tradedesk.marketdata.quotes import Series

# A lot that was bought within this market time may be missing among the broker's positions.
SETTLES = timedelta(minutes=1)
# Why an order is ended.
REACHED = "The price of a protective exit was reached."
SOLD = "The shares are sold by an exit."


@dataclass(slots=True)
class LotOrders:
    """trade: the open lot, None when the entry has none. legs: its protective exits; working ones, and refused and
    expired ones while the lot is open. exits: its working signal exits and exits by hand. trailing: the order with
    the rule of its trailing stop, None for a lot without one. failed: the newest exit of the whole lot, or else
    the newest one, when it has ended against the desk's will. sellable: the shares that a sale may ask for, when
    they are not those of the lot."""

    entry: Order
    trade: Trade | None = None
    legs: list[Order] = field(default_factory=list)
    exits: list[Order] = field(default_factory=list)
    trailing: Order | None = None
    failed: Order | None = None
    sellable: Decimal | None = None

    @property
    def held(self) -> Decimal:
        """The shares to sell and to protect."""
        if self.sellable is not None:
            return self.sellable
        return self.trade.open_quantity if self.trade else Decimal(0)

    @property
    def parts(self) -> list[Order]:
        """The exits that sell a part of the lot; one that would sell all that is left of it is none."""
        selling = [order for order in self.exits if not order.rests]
        return [order for order in selling if order.partial and order.open_quantity < self.held]

    @property
    def resting(self) -> list[Order]:
        """The sales by hand that wait for a price. Each other sale of the lot goes first and ends them."""
        return [order for order in self.exits if order.rests]

    @property
    def wholes(self) -> list[Order]:
        """The exits that sell all of the lot."""
        others = [*self.parts, *self.resting]
        return [order for order in self.exits if order not in others]

    @property
    def reached(self) -> Order | None:
        """The guarded exit whose price was reached, while its sale of the lot is on its way."""
        return next((leg for leg in self.legs if leg.type == OrderType.MARKET and leg.state in WORKING), None)


@dataclass(frozen=True, slots=True)
class Market:
    """What the plan depends on besides the desk's records. working: the broker's working orders by their
    client_order_id. bars: the closed bars of the symbols that the desk guards or whose stops trail. now, wall_now:
    market and wall time. held: the shares that the broker reports by symbol, None when it did not. short_of: the
    symbols of which it has had fewer than the desk's records for a while. prices: the newest ones of an open
    session that it knows, which the desk guards by between two bars and without any."""

    capabilities: Capabilities
    working: Mapping[str, BrokerOrder]
    bars: Mapping[Series, Bars]
    now: datetime
    wall_now: datetime
    held: Mapping[str, Decimal] | None = None
    short_of: Collection[str] = ()
    prices: Mapping[str, Decimal] = field(default_factory=dict)

    def sellable(self, trade: Trade) -> Decimal | None:
        """What the broker has of this lot, None when that is not less than the lot. It refuses what is too much
        for several lots."""
        if self.held is None or not self.capabilities.sells_short or trade.symbol not in self.short_of:
            return None
        there = max(self.held.get(trade.symbol, Decimal(0)), Decimal(0))
        if trade.open_quantity == trade.open_quantity.to_integral_value():
            there = there.to_integral_value(ROUND_DOWN)
        return min(trade.open_quantity, there)

    def has_gone(self, trade: Trade) -> bool:
        """Whether the broker holds no share of this lot's symbol: a sale would be a short sale."""
        if self.held is None or not self.capabilities.sells_short or self.now - trade.entry_time < SETTLES:
            return False
        return self.held.get(trade.symbol, Decimal(0)) < DUST


@dataclass(slots=True)
class Plan:
    """moves: an order, its new state and the fields that change with it. updates: fields that change without a new
    state. new: orders to store. raised: lots with a trailing stop, and its new price. unwatched: exits that
    the desk guards, and cannot watch, because the bars have another scale; they change nothing."""

    moves: list[tuple[Order, OrderState, dict[str, Any]]] = field(default_factory=list)
    updates: list[tuple[Order, dict[str, object]]] = field(default_factory=list)
    new: list[Order] = field(default_factory=list)
    raised: list[tuple[Trade, Decimal]] = field(default_factory=list)
    unwatched: list[Order] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.moves or self.updates or self.new or self.raised)

    def end(self, order: Order, reason: str) -> None:
        """Cancel an order, wherever it is. One that is on its way (SUBMITTING, UNKNOWN) is left to the next tick,
        which knows whether the broker has it."""
        if any(order is moved for moved, _, _ in self.moves):
            return
        if (to := order.cancels_to) is not None:
            self.moves.append((order, to, {"reason": reason}))
