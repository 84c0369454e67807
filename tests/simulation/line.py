"""The line between the desk and one broker: it loses, delays, repeats and hides what passes.

The broker behind it is honest. Every fault was ordered by an action of the scheduler, so that a run can be
repeated without some of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import connection

from livetrading.brokers.protocol import (
    AccountReport,
    Broker,
    BrokerActivity,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    Capabilities,
    OrderRequest,
    OutcomeUnknown,
)
from tests.livetrading.second_broker.broker import SecondBroker
from tests.simulation.violation import insist
from tests.simulation.workers import pass_point

T = TypeVar("T")


@dataclass
class Line:
    """The faults of one line. losses: for each method what happens to its next requests: "before" they arrive or
    "after" they took effect the answer is lost, or they arrive "late", when nobody waits any more. silent: so many
    calls are not answered. hidden: how many looks still do not find an order, by its client_order_id; hide_next:
    the looks that will not find the next new order. hold_back: fills that are reported later than those after
    them. repeat: fills that are reported again. stale: the balance that is reported instead of the present one.

    published: the fills in the order in which the broker reports them. arrived: the moment at which the request
    for each order arrived."""

    on_request: Callable[[OrderRequest], None] = lambda request: None
    on_look: Callable[[], None] = lambda: None
    on_call: Callable[[str], None] = lambda text: None
    moment: Callable[[], int] = lambda: 0
    losses: dict[str, list[str]] = field(default_factory=dict)
    late: list[Callable[[], object]] = field(default_factory=list)
    silent: int = 0
    hidden: dict[str, int] = field(default_factory=dict)
    hide_next: int = 0
    hold_back: int = 0
    held: list[BrokerFill] = field(default_factory=list)
    repeat: int = 0
    stale: tuple[AccountReport, list[BrokerPosition]] | None = None
    published: list[BrokerFill] = field(default_factory=list)
    seen: int = 0
    arrived: dict[str, int] = field(default_factory=dict)
    once_hidden: set[str] = field(default_factory=set)

    def was_hidden(self, client_order_id: str) -> bool:
        """Whether a look may not have found this order, although it had arrived."""
        return client_order_id in self.once_hidden

    def heal(self) -> None:
        """All faults end, and what was on its way arrives."""
        self.losses, self.silent, self.hidden, self.hide_next = {}, 0, {}, 0
        self.hold_back, self.repeat, self.stale = 0, 0, None
        self.deliver()
        self.release()

    def deliver(self) -> int:
        """The late requests arrive. Returns their number."""
        arriving, self.late = self.late, []
        for request in arriving:
            try:
                request()
            except Exception as error:  # nobody waits for the answer
                self.on_call(f"a late request was answered with {type(error).__name__}")
        return len(arriving)

    def release(self) -> None:
        """Report the fills that were held back."""
        self.published += self.held
        self.held = []

    def publish(self, fills: list[BrokerFill]) -> None:
        """Take over what the broker has executed since the last call."""
        for fill in fills[self.seen :]:
            if self.hold_back:
                self.hold_back -= 1
                self.held.append(fill)
            else:
                self.published.append(fill)
        self.seen = len(fills)


class LineTo:
    """The broker as the desk sees it through the line; satisfies the protocol Broker."""

    def __init__(self, line: Line, broker: Broker) -> None:
        self._line, self._broker = line, broker

    @property
    def capabilities(self) -> Capabilities:
        return self._broker.capabilities

    def account(self) -> AccountReport:
        stale = self._line.stale
        return self._call("account", self._broker.account if stale is None else lambda: stale[0])

    def positions(self) -> list[BrokerPosition]:
        stale = self._line.stale
        return self._call("positions", self._broker.positions if stale is None else lambda: stale[1])

    def submit(self, request: OrderRequest) -> BrokerOrder:
        return self._request("submit", request, lambda: self._broker.submit(request))

    def replace(self, client_order_id: str, request: OrderRequest) -> BrokerOrder:
        return self._request("replace", request, lambda: self._broker.replace(client_order_id, request))

    def cancel(self, client_order_id: str) -> None:
        self._call("cancel", lambda: self._broker.cancel(client_order_id), client_order_id)

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        found = self._call("order_by_client_id", lambda: self._look(client_order_id), client_order_id)
        self._line.on_look()
        return found

    def open_orders(self) -> list[BrokerOrder]:
        orders = self._call("open_orders", self._broker.open_orders)
        return [order for order in orders if not self._line.hidden.get(order.client_order_id)]

    def fills_since(self, cursor: str) -> list[BrokerFill]:
        return self._call("fills_since", lambda: self._fills(cursor))

    def activities_since(self, cursor: str) -> list[BrokerActivity]:
        return self._call("activities_since", lambda: self._broker.activities_since(cursor))

    # --- Faults ---

    def _call(self, method: str, act: Callable[[], T], what: str = "") -> T:
        line = self._line
        insist(not connection.in_atomic_block, f"{method} was called inside a transaction")
        pass_point()
        lost = line.losses[method].pop(0) if line.losses.get(method) else ""
        line.silent -= line.silent > 0
        if line.silent or lost in ("before", "late"):
            if lost == "late":
                line.late.append(act)
            line.on_call(f"{method} {what} -> {lost or 'no connection'}")
            raise OutcomeUnknown("The broker did not answer.")
        try:
            answer = act()
        except Exception as error:
            line.on_call(f"{method} {what} -> {type(error).__name__}")
            raise
        line.on_call(f"{method} {what} {lost}")
        pass_point()
        if lost:
            raise OutcomeUnknown("The broker did not answer.")
        return answer

    def _request(self, method: str, request: OrderRequest, act: Callable[[], BrokerOrder]) -> BrokerOrder:
        line, known = self._line, request.client_order_id
        line.on_request(request)
        if line.hide_next:
            line.hidden[known], line.hide_next = line.hide_next, 0
            line.once_hidden.add(known)

        def arrive() -> BrokerOrder:
            answer = act()
            line.arrived.setdefault(known, line.moment())
            return answer

        return self._call(method, arrive, known)

    def _look(self, client_order_id: str) -> BrokerOrder | None:
        looks = self._line.hidden.get(client_order_id, 0)
        if looks:
            self._line.hidden[client_order_id] = looks - 1
            return None
        return self._broker.order_by_client_id(client_order_id)

    def _fills(self, cursor: str) -> list[BrokerFill]:
        line, broker = self._line, self._broker
        if not isinstance(broker, SecondBroker):
            return broker.fills_since(str(max(int(cursor or 0) - line.repeat, 0)))
        line.publish(broker.fills)
        known = [fill.activity_id for fill in line.published]
        after = known.index(cursor) + 1 if cursor else 0
        first = max(after - line.repeat, 0)
        return line.published[first:after] + line.published[first:] if line.repeat else line.published[after:]
