"""Reconcile the desk's records of one account with its broker: fills, order states, activities, then the balance.

The only writer of trades and positions, on paper as well. Two workers can run it at any time and at the same time:
a fill is booked once by its activity id, and an order changes state only along the allowed transitions.
"""

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import Case, F, Q, Value, When

from livetrading.brokers.protocol import (
    Broker,
    BrokerFill,
    BrokerOrder,
    Capabilities,
    ListsFillsOfOrder,
    OutcomeUnknown,
)
from livetrading.journal import ids_of
from livetrading.models import BrokerAccount, Incident, Order, OrderState
from livetrading.models.order import ENDED_AT_BROKER, FINAL, GIVEN_UP, SENT
from livetrading.pipeline.absence import found, never_had
from livetrading.pipeline.activities import Others, take_over_activities
from livetrading.pipeline.balance import take_over_balance
from livetrading.pipeline.fills import FillReport, retry_set_aside, take_over_fill
from livetrading.pipeline.patience import Patience
from livetrading.services.failed_exits import alarm
from livetrading.services.incidents import report_event
from livetrading.services.notifications import notify_not_sent
from livetrading.services.order_audit import move_and_record
from livetrading.services.signal_codes import note_end
from tradedesk.core.money import DUST

log = logging.getLogger(__name__)

# Our order state for each state of a broker's order, once its fills are taken over. "unknown" is missing: a word
# that the adapter does not know changes nothing.
_STATES = {
    "filled": OrderState.FILLED,
    "working": OrderState.ACCEPTED,
    "cancelled": OrderState.CANCELLED,
    "rejected": OrderState.REJECTED,
    "expired": OrderState.EXPIRED,
}
# What tells whether the broker says anything new of an order.
_AS_KNOWN = ("state", "filled_quantity", "absent_looks")
# Whether an order was not waiting for its cancellation, in the UPDATE that ends it. One that had ended before it
# was cancelled keeps how it had.
_UNREQUESTED = Case(When(state=OrderState.CANCEL_PENDING, then=F("ended_by_broker")), default=Value(True))


@dataclass(slots=True)
class Reports:
    """The broker's orders during one reconciliation; each order that is not working is asked for once, while
    there is time."""

    broker: Broker
    working: dict[str, BrokerOrder]
    asked: dict[str, BrokerOrder | None] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)

    def order(self, client_order_id: str) -> BrokerOrder | None:
        if client_order_id in self.working:
            return self.working[client_order_id]
        if client_order_id not in self.asked:
            if self.patience.is_over:
                raise OutcomeUnknown("The broker answers too slowly; the next reconciliation asks for the rest.")
            self.asked[client_order_id] = self.broker.order_by_client_id(client_order_id)
        return self.asked[client_order_id]

    def order_of_fill(self, client_order_id: str) -> BrokerOrder | None:
        """None also without an answer: the fill itself is known, and does not wait for it."""
        try:
            return self.order(client_order_id)
        except Exception:
            log.warning(
                "The broker did not answer for order %s, which has a fill.", client_order_id, exc_info=True
            )
            return None


@dataclass(frozen=True, slots=True)
class Reconciled:
    """equity: of the account, in dollars; None when the broker did not report it. working: the broker's working
    orders by their client_order_id. held: its shares by symbol, None when it did not report them. changed: whether
    the pages have to refresh. prices: the newest ones that the broker knows of what is held."""

    equity: float | None
    working: Mapping[str, BrokerOrder]
    held: Mapping[str, Decimal] | None
    changed: bool
    prices: Mapping[str, Decimal] = field(default_factory=dict)


def reconcile(account: BrokerAccount, broker: Broker, now: datetime, wall_now: datetime) -> Reconciled:
    """Update the desk's records of this account from its broker at the market time `now`.

    Raises OutcomeUnknown when the broker does not report fills and orders. A fill that cannot be booked is set
    aside, reported and tried again; the others are booked.
    """
    fills = broker.fills_since(account.fill_cursor)
    reports = Reports(broker, {order.client_order_id: order for order in broker.open_orders()})
    changed = False
    for incident in account.incidents.filter(kind=Incident.Kind.UNBOOKED_FILL, resolved_at=None).order_by("pk"):
        changed |= retry_set_aside(account, incident, reports.order_of_fill, now, wall_now)
    # A broker may report them in another order than they happened: a sale before its purchase.
    for fill in sorted(_own_fills(account, fills), key=lambda fill: fill.time):
        report = FillReport(fill, reports.order_of_fill(fill.client_order_id))
        changed |= take_over_fill(account, report, now, wall_now)
    if fills:
        # Only now, because a worker that stops before has to take over the rest again.
        BrokerAccount.objects.filter(pk=account.pk, epoch=account.epoch).update(fill_cursor=fills[-1].activity_id)
    changed |= _take_over_states(account, reports, now, wall_now)
    others = take_over_activities(account, broker, now, wall_now)

    def complete() -> bool:
        return take_over_activities(account, broker, now, wall_now) == Others()

    balance = take_over_balance(account, broker, now, complete, problem=others.problem)
    changed |= others.changed or balance.changed
    return Reconciled(balance.equity, reports.working, balance.held, changed, balance.prices)


def _own_fills(account: BrokerAccount, fills: list[BrokerFill]) -> list[BrokerFill]:
    """The fills of the desk's orders that are not booked yet. Those of orders from outside are skipped; the
    position then differs and says so."""
    fills = [fill for fill in fills if fill.client_order_id]
    if not fills:
        return []
    booked = set(
        account.fills.filter(activity_id__in=[fill.activity_id for fill in fills]).values_list(
            "activity_id", flat=True
        )
    )
    ours = set(
        account.orders.filter(client_order_id__in={fill.client_order_id for fill in fills}).values_list(
            "client_order_id", flat=True
        )
    )
    return [fill for fill in fills if fill.client_order_id in ours and fill.activity_id not in booked]


def _take_over_states(account: BrokerAccount, reports: Reports, now: datetime, wall_now: datetime) -> bool:
    # An attached exit is the broker's from the first fill of its entry on.
    attached = Q(state=OrderState.WAITING, holder=Order.Holder.ATTACHED, opening_order__filled_quantity__gt=0)
    ours = account.orders.filter(Q(state__in=SENT) | attached).order_by()
    seen, news = set[str](), list[uuid.UUID]()
    for pk, client_order_id, *known in ours.values_list("pk", "client_order_id", *_AS_KNOWN):
        seen.add(client_order_id)
        at_broker = reports.working.get(client_order_id)
        if at_broker is None or not _is_as_known(at_broker, *known):
            news.append(pk)
    changed = False
    for order in ours.filter(pk__in=news).select_related("opening_order", "user"):
        order.account = account
        try:
            at_broker = reports.order(order.client_order_id)
            if at_broker is not None:
                found(order)
                changed |= _take_over_state(order, at_broker, now, wall_now)
                changed |= _take_over_missing(order, at_broker, reports, now, wall_now)
            else:
                changed |= _take_over_absence(order, reports.broker.capabilities, now, wall_now)
        except Exception:
            # One order that cannot be read must not stop the others.
            log.exception(
                "The state of order %s could not be taken over.", order.client_order_id, extra=ids_of(order)
            )
    return _cancel_given_up(account, reports, seen, now, wall_now) or changed


def _is_as_known(at_broker: BrokerOrder, state: str, filled: Decimal, absent_looks: int) -> bool:
    """Whether the broker says nothing new of this order, as of nearly all that wait there for their price: then it
    need not be read whole."""
    waits = at_broker.state == "working" and state in (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED)
    return waits and at_broker.filled_quantity - filled < DUST and not absent_looks


def _cancel_given_up(
    account: BrokerAccount, reports: Reports, seen: set[str], now: datetime, wall_now: datetime
) -> bool:
    """Cancel the orders that we had given up, but that the broker has; their fills are booked. seen: the ids of
    the orders that we know to be there. Returns whether there was one."""
    changed = False
    unexpected = reports.working.keys() - seen
    given_up = account.orders.filter(client_order_id__in=list(unexpected), state__in=GIVEN_UP)
    for order in given_up:
        try:
            # Asked again, because the list may be older than the end of the order.
            at_broker = reports.broker.order_by_client_id(order.client_order_id)
        except Exception:
            # The next reconciliation asks again.
            log.exception(
                "The state of order %s could not be taken over.", order.client_order_id, extra=ids_of(order)
            )
            continue
        is_working = at_broker is not None and at_broker.state == "working"
        if is_working and move_and_record(order, OrderState.CANCEL_PENDING, wall_now=wall_now):
            text = f"The broker has the order to {order}, which the desk had ended. It is cancelled there."
            kind = Incident.Kind.UNEXPECTED_ORDER
            report_event(account, kind, order.client_order_id, text, now, order)
            changed = True
    return changed


def _take_over_missing(
    order: Order, at_broker: BrokerOrder, reports: Reports, now: datetime, wall_now: datetime
) -> bool:
    """Book the fills of this order that no list of new fills had: reported late, or longer ago than it reaches."""
    broker, changed = reports.broker, False
    if _misses_fills(order, at_broker) and isinstance(broker, ListsFillsOfOrder) and not reports.patience.is_over:
        for fill in broker.fills_of(at_broker, order.created_at):
            changed |= take_over_fill(order.account, FillReport(fill, at_broker), now, wall_now)
    return changed


def _misses_fills(order: Order, at_broker: BrokerOrder) -> bool:
    missing = at_broker.filled_quantity - order.filled_quantity
    return missing >= DUST and missing - _set_aside(order) >= DUST


def _take_over_state(order: Order, at_broker: BrokerOrder, now: datetime, wall_now: datetime) -> bool:
    if _misses_fills(order, at_broker):
        return False  # book its fills first
    to = _STATES.get(at_broker.state)
    unconfirmed = (OrderState.UNKNOWN, OrderState.WAITING)
    if to is None or (to == OrderState.ACCEPTED and order.state not in unconfirmed):
        return False
    reason = at_broker.reason[:300]
    if order.state == OrderState.CANCEL_PENDING and to in (OrderState.CANCELLED, OrderState.EXPIRED):
        reason = order.reason or reason  # why the desk cancelled it
    moved = move_and_record(
        order,
        to,
        wall_now=wall_now,
        reason=reason,
        broker_order_id=at_broker.broker_order_id[:64],
        ended_by_broker=_UNREQUESTED if to in ENDED_AT_BROKER else False,
    )
    if moved and to in ENDED_AT_BROKER:
        note_end(order, to)
        order.refresh_from_db(fields=["ended_by_broker"])
    if moved and _is_news(order, to):
        reason = reason or f"The broker reports it as {to.label.lower()}."
        if not alarm(order, to, reason, now):
            notify_not_sent(order, to, reason, now)
    return moved


def _is_news(order: Order, to: OrderState) -> bool:
    """Whether the user must know how this order ended: a refusal, or a sale or a purchase that the desk did not
    cancel."""
    cancelled = order.state == OrderState.CANCEL_PENDING
    return order.ended_by_broker and not cancelled and (to == OrderState.REJECTED or not order.is_protective)


def _take_over_absence(order: Order, capabilities: Capabilities, now: datetime, wall_now: datetime) -> bool:
    """The broker does not have this order. Returns whether our record has changed."""
    entry = order.opening_order
    if order.state == OrderState.UNKNOWN:
        # The broker never received it: the same client_order_id is sent again.
        absent = never_had(order, capabilities, wall_now)
        return absent and move_and_record(order, OrderState.PENDING, wall_now=wall_now)
    unheard = order.state == OrderState.CANCEL_PENDING and not order.broker_order_id
    ended = order.state == OrderState.WAITING and entry is not None and entry.state in FINAL
    if unheard or ended:
        # One that turns out to be there after all is cancelled again. Until that is unlikely, no other order sells
        # its shares.
        if not never_had(order, capabilities, wall_now):
            return False
        reason = order.reason or "The broker does not have this order."
        if moved := move_and_record(order, OrderState.CANCELLED, wall_now=wall_now, reason=reason):
            note_end(order, OrderState.CANCELLED)
        return moved
    if order.state == OrderState.WAITING:
        return False
    log.error(
        "The broker no longer reports order %s, although it had accepted it.",
        order.client_order_id,
        extra=ids_of(order),
    )
    text = f"The broker no longer has the order to {order}, which it had accepted. The desk ends it."
    if not never_had(order, capabilities, wall_now):
        return False
    moved = move_and_record(
        order, OrderState.CANCELLED, wall_now=wall_now, reason=text[:300], ended_by_broker=_UNREQUESTED
    )
    if moved:
        note_end(order, OrderState.CANCELLED)
        report_event(order.account, Incident.Kind.MISSING_ORDER, order.client_order_id, text, now, order)
    if moved and order.state != OrderState.CANCEL_PENDING:
        alarm(order, OrderState.CANCELLED, text, now)
    return moved


def _set_aside(order: Order) -> Decimal:
    """The shares of the order's fills that could not be booked."""
    aside = order.incidents.filter(kind=Incident.Kind.UNBOOKED_FILL, resolved_at=None)
    return sum((Decimal(facts["quantity"]) for facts in aside.values_list("facts", flat=True)), Decimal(0))
