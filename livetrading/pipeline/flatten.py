"""Carry out the halts of an account: cancel its entry orders, and sell its lots at the market.

What has to be done is decided by `plan_halt`, which is pure. `protect`, which follows in the same tick, frees the
shares that the protective exits hold.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from livetrading.brokers.protocol import Capabilities
from livetrading.journal import orders_made
from livetrading.models import BrokerAccount, Halt, Order, OrderState
from livetrading.models.halt import UNFINISHED
from livetrading.models.order import FINAL, WORKING
from livetrading.pipeline.lot_orders import LotOrders, Plan
from livetrading.pipeline.protect import read_lots
from livetrading.services.halt import advance, open_lots
from livetrading.services.manual_exits import manual_exit
from livetrading.services.order_audit import cancelled
from livetrading.services.order_audit import made as created
from livetrading.services.restored import sells_nothing
from livetrading.services.signal_codes import note_end
from tradedesk.audit.services import record_all

AFTER_RESTORE = "The account is restored from a backup: nothing is sold before an operator lifts that."


@dataclass(frozen=True, slots=True)
class ToStop:
    """What is left of an account: its working entry orders, and the open lots to sell; none unless it is
    flattened. since: when that was asked for, in wall time."""

    entries: list[Order]
    lots: list[LotOrders]
    since: datetime | None = None


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
        restored = sells_nothing(locked)
        left = _read(locked, [] if restored else halts)
        made = plan_halt(left, capabilities, now, wall_now)
        entries = []
        for order, state, changes in made.moves:
            # One that a sender has claimed meanwhile is looked at again by the next tick.
            if Order.move(order.pk, state, wall_now=wall_now, only_from=order.state, **changes):
                entries += cancelled([(order, state, changes.get("reason", ""))])
                order.state = state
                note_end(order, state)
        Order.objects.bulk_create(made.new)
        orders_made(made.new)
        orders_left = sum(order.state not in FINAL for order in left.entries)
        lots_left = open_lots(locked) if any(halt.sells for halt in halts) else 0
        problem = AFTER_RESTORE if restored and lots_left else _problem(left, lots_left)
        for halt in halts:
            advance(halt, orders_left, lots_left, problem, now, wall_now)
        record_all([*entries, *created(made.new)], wall_now)
    return [order.pk for order in made.new if order.state == OrderState.PENDING]


def plan_halt(left: ToStop, capabilities: Capabilities, now: datetime, wall_now: datetime) -> Plan:
    """End every entry order, and make one exit for each lot that nothing sells yet."""
    made = Plan()
    for entry in left.entries:
        made.end(entry, "Trading was stopped.")
    for lot in left.lots:
        if lot.trade is None or lot.wholes or lot.reached is not None or _is_retried(lot, left.since):
            continue
        waits = bool(lot.parts)
        made.new.append(manual_exit(lot.trade, capabilities, waits=waits, now=now, wall_now=wall_now))
    return made


def _is_retried(lot: LotOrders, since: datetime | None) -> bool:
    """Whether a sale of the whole lot has failed since then: `plan` makes it again after a pause."""
    failed = lot.failed
    return failed is not None and not failed.partial and since is not None and failed.state_changed_at >= since


def _read(account: BrokerAccount, halts: Iterable[Halt]) -> ToStop:
    """At most five queries, however many orders and lots there are."""
    entries = account.orders.filter(purpose=Order.Purpose.ENTRY, state__in=WORKING)
    since = max((halt.requested_wall for halt in halts if halt.sells), default=None)
    lots = [] if since is None else [lot for lot in read_lots(account) if lot.trade is not None]
    return ToStop(list(entries.order_by("created_at", "pk")), lots, since)


def _problem(left: ToStop, lots_left: int) -> str:
    """Why a lot is not being sold, in words; "" when all are."""
    for lot in left.lots:
        if (failed := lot.failed) is not None:
            state = failed.get_state_display().lower()
            return f"The sale of {failed.symbol} was {state} and is tried again: {failed.reason}"
    if lots_left > len(left.lots):
        return "A fill could not be booked. Its lot is sold once it is; the incident says more."
    return ""
