"""Carry out the halts of an account: cancel its entry orders, and sell its lots at the market.

What has to be done is decided by `plan_halt`, which is pure. `protect`, which follows in the same tick, frees the
shares that the protective exits hold.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from livetrading.brokers.protocol import Capabilities
from livetrading.journal import orders_made
from livetrading.models import BrokerAccount, Halt, Order, OrderState
from livetrading.models.halt import UNFINISHED
from livetrading.models.order import FINAL, WORKING
from livetrading.pipeline.plan import REFUSED, LotOrders, Plan
from livetrading.pipeline.protect import read_lots
from livetrading.services.halt import advance, open_lots
from livetrading.services.manual_exits import manual_exit


@dataclass(frozen=True, slots=True)
class ToStop:
    """What is left of an account: its working entry orders; the open lots to sell, none unless it is flattened;
    and the sales of each lot that were refused or expired since the halt, by the entry, the latest last."""

    entries: list[Order]
    lots: list[LotOrders]
    failed: Mapping[uuid.UUID, list[Order]]


def flatten(
    account: BrokerAccount, capabilities: Capabilities, now: datetime, wall_now: datetime
) -> list[uuid.UUID]:
    """Do the next step of the account's halts at work. Returns the orders to send. One query without such a
    halt."""
    if not account.halts.filter(UNFINISHED).exists():
        return []
    with transaction.atomic():
        locked = BrokerAccount.locked(account.pk)
        halts = list(locked.halts.filter(UNFINISHED).order_by("pk"))
        if locked.epoch != account.epoch or not halts:
            return []  # the records were emptied, or the halt was lifted, since this tick began
        left = _read(locked, halts)
        made = plan_halt(left, capabilities, now, wall_now)
        for order, state, changes in made.moves:
            # One that a sender has claimed meanwhile is looked at again by the next tick.
            if Order.move(order.pk, state, wall_now=wall_now, only_from=order.state, **changes):
                order.state = state
        Order.objects.bulk_create(made.new)
        orders_made(made.new)
        orders_left = sum(order.state not in FINAL for order in left.entries)
        lots_left = open_lots(locked) if any(halt.sells for halt in halts) else 0
        for halt in halts:
            advance(halt, orders_left, lots_left, _problem(left, lots_left), now, wall_now)
    return [order.pk for order in made.new if order.state == OrderState.PENDING]


def plan_halt(left: ToStop, capabilities: Capabilities, now: datetime, wall_now: datetime) -> Plan:
    """End every entry order, and make one exit for each lot that nothing sells yet. One that fails is made again
    by `protect`, as any exit."""
    made = Plan()
    for entry in left.entries:
        made.end(entry, "Trading was stopped.")
    for lot in left.lots:
        if lot.trade is None or lot.wholes or lot.reached is not None or lot.entry.pk in left.failed:
            continue
        part = bool(lot.parts)
        made.new.append(manual_exit(lot.trade, capabilities, waits=part, now=now, wall_now=wall_now))
    return made


def _read(account: BrokerAccount, halts: Iterable[Halt]) -> ToStop:
    """At most six queries, however many orders and lots there are."""
    entries = list(
        account.orders.filter(purpose=Order.Purpose.ENTRY, state__in=WORKING).order_by("created_at", "pk")
    )
    since = min((halt.requested_wall for halt in halts if halt.sells), default=None)
    if since is None:
        return ToStop(entries, [], {})
    lots = [lot for lot in read_lots(account) if lot.trade is not None]
    failed: dict[uuid.UUID, list[Order]] = {}
    sales = account.orders.filter(
        purpose=Order.Purpose.EXIT,
        opening_order__in=[lot.entry.pk for lot in lots],
        state__in=REFUSED,
        state_changed_at__gte=since,
    )
    for order in sales.order_by("state_changed_at", "pk"):
        failed.setdefault(order.opening_order_id or order.pk, []).append(order)
    return ToStop(entries, lots, failed)


def _problem(left: ToStop, lots_left: int) -> str:
    """Why a lot is not being sold, in words; "" when all are."""
    for sales in left.failed.values():
        last = sales[-1]
        return (
            f"The sale of {last.symbol} was {last.get_state_display().lower()} and is tried again: {last.reason}"
        )
    if lots_left > len(left.lots):
        return "A fill could not be booked. Its lot is sold once it is; the incident says more."
    return ""
