"""An order of the stand-in, and how it is written on the wire."""

from dataclasses import dataclass, field
from decimal import Decimal

from tests.alpaca_server.market import ZERO, Asset, Path
from tests.alpaca_server.wire import number, optional, optional_time, time_text

# Of status: how an order can have ended. All others are open.
ENDED = ("filled", "canceled", "expired", "replaced", "rejected")
# The orders that are refused a replacement.
UNREPLACEABLE = ("accepted", "pending_new", "pending_cancel", "pending_replace")


@dataclass
class Order:
    """works: whether it is at the market: a leg of an entry that is not filled completely is not, and of a stop
    and a target that are, the stop is `held` all the same. triggered: of a stop-limit order, whether its stop was
    reached. wanted: what the account does with it next: accept, cancel or replace. parent: the id of the entry, or
    of the target in an oco, that this is a leg of. begun: how much of what it replaces was filled
    when it was asked for. Times are in nanoseconds since 1970."""

    id: str
    client_order_id: str
    asset: Asset
    side: str
    type: str
    qty: Decimal
    time_in_force: str
    created: int
    expires: int
    order_class: str = ""
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    extended_hours: bool = False
    position_intent: str = ""
    status: str = "pending_new"
    works: bool = False
    triggered: bool = False
    wanted: str = "accept"
    filled: Decimal = ZERO
    paid: Decimal = ZERO
    group: str | None = None
    role: str | None = None
    parent: str | None = None
    replaces: str | None = None
    replaced_by: str | None = None
    begun: Decimal = ZERO
    updated: int = 0
    times: dict[str, int] = field(default_factory=dict)

    @property
    def symbol(self) -> str:
        return self.asset.symbol

    @property
    def is_open(self) -> bool:
        return self.status not in ENDED

    @property
    def is_leg(self) -> bool:
        return self.parent is not None

    @property
    def remaining(self) -> Decimal:
        return self.qty - self.filled

    @property
    def is_whole(self) -> bool:
        return self.qty == self.qty.to_integral_value()

    @property
    def average(self) -> Decimal | None:
        return (self.paid / self.filled).quantize(Decimal("0.000001")) if self.filled else None

    def price_from(self, path: Path) -> Decimal | None:
        """What this order is filled at; None when the path did not reach its price."""
        buys = self.side == "buy"
        if self.stop_price is not None and not self.triggered:
            if not (path.high >= self.stop_price if buys else path.low <= self.stop_price):
                return None
            at_stop = max(path.first, self.stop_price) if buys else min(path.first, self.stop_price)
            if self.limit_price is None:
                return at_stop
            self.triggered = True
            return self._within_limit(at_stop)
        if self.limit_price is None:
            return path.first
        if not (path.low <= self.limit_price if buys else path.high >= self.limit_price):
            return None
        return min(path.first, self.limit_price) if buys else max(path.first, self.limit_price)

    def _within_limit(self, price: Decimal) -> Decimal | None:
        assert self.limit_price is not None
        fits = price <= self.limit_price if self.side == "buy" else price >= self.limit_price
        return price if fits else None

    def answer(self, legs: list["Order"] | None = None, *, as_leg: bool = False) -> dict[str, object]:
        """as_leg: whether it is shown under the order that it belongs to."""
        found: dict[str, object] = {
            "id": self.id,
            "client_order_id": self.client_order_id,
            "created_at": time_text(self.created),
            "updated_at": time_text(self.updated or self.created),
            "submitted_at": time_text(self.created),
            "filled_at": optional_time(self.times.get("filled")),
            "expired_at": optional_time(self.times.get("expired")),
            "canceled_at": optional_time(self.times.get("canceled")),
            "failed_at": optional_time(self.times.get("rejected")),
            "replaced_at": optional_time(self.times.get("replaced")),
            "replaced_by": self.replaced_by,
            "replaces": self.replaces,
            "asset_id": self.asset.id,
            "symbol": self.symbol,
            "asset_class": "us_equity",
            "notional": None,
            "qty": number(self.qty),
            "filled_qty": number(self.filled),
            "filled_avg_price": optional(self.average),
            "order_class": self.order_class,
            "order_type": self.type,
            "type": self.type,
            "side": self.side,
            "position_intent": self.position_intent,
            "time_in_force": self.time_in_force,
            "limit_price": optional(self.limit_price),
            "stop_price": optional(self.stop_price),
            "status": self.status,
            "extended_hours": self.extended_hours,
            "legs": [leg.answer(as_leg=True) for leg in legs] if legs else None,
            "trail_percent": None,
            "trail_price": None,
            "hwm": None,
            "subtag": None,
            "source": None,
            "expires_at": time_text(self.expires),
        }
        if as_leg:
            del found["expires_at"]
        if self.group is not None:
            found |= {"group_id": self.group, "group_role": self.role}
        return found
