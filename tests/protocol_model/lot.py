"""One lot of the abstract model: an entry, its stop and its exit, at the desk and at the broker. Pure.

What is left out: prices, money, the target (it is as the stop), replacements (a stop that does not fit is
cancelled and made again) and the database (each step is one transaction of the pipeline). Shares are counted in
units.
"""

from typing import NamedTuple

from livetrading.models.order import FINAL, TRANSITIONS, WORKING, OrderState

S = OrderState
ENTRY, STOP, EXIT = 0, 1, 2
NAMES = ("entry", "stop", "exit")

# What the broker has of an order: nothing, a request on its way, a request that it refused, a working order, or
# one that has ended.
NOTHING, FLYING, REFUSED, OPEN, GONE = "nothing", "flying", "refused", "open", "gone"
ENDS = {S.CANCELLED, S.REJECTED, S.EXPIRED}


class Order(NamedTuple):
    """state: at the desk, None for an order that is not made. at: what the broker has. end: how it ended there.
    quantity: ordered units. filled: what the broker has executed; late: how much of it is not reported yet.
    booked: what the desk has booked. again: whether it was claimed before. sender: whether a sender waits for the
    answer to its request."""

    state: OrderState | None = None
    at: str = NOTHING
    end: OrderState | None = None
    quantity: int = 0
    filled: int = 0
    late: int = 0
    booked: int = 0
    again: bool = False
    sender: bool = False

    @property
    def works(self) -> bool:
        return self.state in WORKING

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def reported(self) -> int:
        return self.filled - self.late

    @property
    def rests(self) -> bool:
        """Whether nothing more has to come of this order: both sides know how it ended."""
        ended = self.state is None or (self.is_final and self.at in (NOTHING, GONE))
        return ended and self.booked == self.filled and not self.sender


class Stalled(NamedTuple):
    """A worker that was held up. order: which one. where: before its last look ("check"), while it waits for the
    answer ("answer"), after a look at the broker ("look"), or with a request of an emptied account ("reset").
    valid: whether nobody has claimed the order since. answer: the state that it is about to record."""

    order: int
    where: str
    valid: bool = True
    answer: OrderState | None = None


class Lot(NamedTuple):
    """stalled: its worker that is held up. wrong: what must never happen and has happened, "" for nothing."""

    entry: Order = Order()
    stop: Order = Order()
    exit: Order = Order()
    stalled: Stalled | None = None
    wrong: str = ""

    def order(self, which: int) -> Order:
        return self[which]  # type: ignore[return-value]

    def put(self, which: int, **changes: object) -> "Lot":
        changed = self.order(which)._replace(**changes)  # type: ignore[arg-type]
        return self._replace(**{NAMES[which]: changed})  # type: ignore[arg-type]

    @property
    def held(self) -> int:
        """Units at the broker."""
        return self.entry.filled - self.stop.filled - self.exit.filled

    @property
    def open(self) -> int:
        """Units by the desk's books."""
        return self.entry.booked - self.stop.booked - self.exit.booked

    @property
    def is_done(self) -> bool:
        """Whether nothing more has to happen: bought and sold, or never bought, and both sides know it."""
        orders = (self.entry, self.stop, self.exit)
        return not self.held and not self.open and self.stalled is None and all(order.rests for order in orders)

    @property
    def locked(self) -> int:
        """Units that working sales hold."""
        return sum(sale.quantity - sale.filled for sale in (self.stop, self.exit) if sale.at == OPEN)


# The states of an order that may still be claimed, or whose claim may still be answered.
SENDING = (S.PENDING, S.SUBMITTING, S.UNKNOWN)


def settled(lot: Lot, guards: frozenset[str]) -> Lot:
    """The same lot without what can make no difference any more, so that states which differ in nothing else are
    one: how a sale ended that both sides have done with, an answer that nobody can record, a worker that has lost
    its claim and may do nothing, and everything once nothing can happen."""
    stalled = lot.stalled
    if stalled is not None and _is_idle(lot, stalled, guards):
        lot, stalled = lot._replace(stalled=None), None
    for which, order in enumerate((lot.entry, lot.stop, lot.exit)):
        changed = order
        if order.again and order.state not in SENDING:
            changed = changed._replace(again=False)
        if order.sender and order.is_final and order.at in (OPEN, GONE) and "record" in guards:
            changed = changed._replace(sender=False)
        if changed.is_final and changed.rests and not (stalled and stalled.order == which):
            changed = _ended(which, changed)
        if changed != order:
            lot = lot._replace(**{NAMES[which]: changed})  # type: ignore[arg-type]
    bought = lot.entry.filled == lot.entry.quantity
    if lot.is_done and lot.entry.state is not None and not lot.wrong and (bought or lot.entry.at == NOTHING):
        return Lot(entry=Order(S.FILLED, GONE, S.FILLED))
    return lot


def _is_idle(lot: Lot, stalled: Stalled, guards: frozenset[str]) -> bool:
    if stalled.where == "check":
        return "token" in guards
    if stalled.where == "answer" and "record" in guards:
        return not stalled.valid or lot.order(stalled.order).is_final
    return False


def _ended(which: int, order: Order) -> Order:
    """An order that both sides have done with. A stop that was refused is guarded afterwards."""
    if which == ENTRY:
        return order._replace(state=S.FILLED, end=S.FILLED) if order.booked == order.quantity else order
    state = S.REJECTED if which == STOP and order.state == S.REJECTED else S.CANCELLED
    return Order(state, filled=order.filled, booked=order.booked)


def can_move(order: Order, to: OrderState) -> bool:
    """As Order.move: whether the table allows it from the present state."""
    return order.state is not None and to in TRANSITIONS[order.state]
