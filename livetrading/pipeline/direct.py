"""Act on accounts in this process, when no worker does: the one way in which a page or a command calls a broker.

Stopping and closing must work with the queue and the workers down. What a worker does at the same time does no
harm: a tick can be repeated at any time, and an order is claimed by one sender.
"""

import logging
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime

from celery import current_app
from django.db.models import Q

from livetrading.models import Halt, Order, OrderState
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.requeue import lost_orders
from livetrading.pipeline.tick import tick
from tradedesk.monitoring.heartbeats import read_heartbeats
from tradedesk.monitoring.models import Component
from tradedesk.monitoring.pulse import pulse_of

log = logging.getLogger(__name__)

# Market and wall time, read again before each step.
Clocks = Callable[[], tuple[datetime, datetime]]
Pause = Callable[[float], None]
# Seconds that a page may take, and the wait between two rounds.
PAGE_SECONDS = 5.0
PAUSE = 0.5
# What the desk has to do for an order, or the broker to answer, before the market matters. Entries are left to the
# workers.
_ON_THE_WAY = (
    Q(state__in=(OrderState.SUBMITTING, OrderState.UNKNOWN, OrderState.CANCEL_PENDING))
    | Q(state=OrderState.PENDING) & ~Q(purpose=Order.Purpose.ENTRY)
    | Q(state=OrderState.WAITING, purpose=Order.Purpose.EXIT)
)


def workers_work(wall_now: datetime) -> bool:
    """Whether the trading worker has sent a heartbeat, and can be sent a message: without the queue its last
    heartbeat says nothing."""
    if not pulse_of(read_heartbeats()[Component.WORKER].values(), wall_now).is_alive:
        return False
    try:
        with current_app.connection_for_write() as queue:
            queue.ensure_connection(max_retries=1, interval_start=0, timeout=1)
    except Exception:
        log.warning("The message queue is not reachable: the desk acts without the workers.", exc_info=True)
        return False
    return True


def act_without_workers(account_ids: Iterable[int], clocks: Clocks, *, seconds: float = PAGE_SECONDS) -> None:
    """Do here what was just asked for, unless a worker does it; `seconds` for all accounts together."""
    if workers_work(clocks()[1]):
        return
    end = time.monotonic() + seconds
    for account_id in account_ids:
        try:
            act(account_id, clocks, seconds=max(end - time.monotonic(), 0.0))
        except Exception:
            # What was asked for is stored: the next tick goes on with it.
            log.exception("Account %s could not be worked on here", account_id)


def act(account_id: int, clocks: Clocks, *, seconds: float, pause: Pause = time.sleep) -> None:
    """Run ticks without checks and send the orders, until no order is on its way or the seconds are over."""
    end = time.monotonic() + seconds
    while True:
        _work(account_id, clocks)
        if not Order.objects.filter(_ON_THE_WAY, account=account_id).exists() or time.monotonic() >= end:
            return
        pause(PAUSE)


def finish(
    halts: Iterable[Halt],
    clocks: Clocks,
    *,
    seconds: float,
    report: Callable[[Halt], None] = lambda halt: None,
    pause: Pause = time.sleep,
) -> list[Halt]:
    """Work on the accounts of these halts until all are finished, which may need the market, or the seconds are
    over. report: called with each halt that got further. Returns those that are left."""
    end = time.monotonic() + seconds
    left = list(halts)
    while left:
        for halt in left:
            try:
                _work(halt.account_id, clocks)
            except Exception:
                log.exception("Account %s could not be worked on here", halt.account_id)
        before = {halt.pk: (halt.orders_left, halt.lots_left, halt.error) for halt in left}
        left = list(Halt.objects.filter(pk__in=before).select_related("account__user").order_by("pk"))
        for halt in left:
            if not halt.is_unfinished or before[halt.pk] != (halt.orders_left, halt.lots_left, halt.error):
                report(halt)
        left = [halt for halt in left if halt.is_unfinished]
        if time.monotonic() >= end:
            break
        if left:
            pause(PAUSE)
    return left


def _work(account_id: int, clocks: Clocks) -> None:
    now, wall_now = clocks()
    lost_orders(wall_now)  # the worker that was sending one may be gone
    orders = tick(account_id, now, wall_now, checks=False).orders
    for order_id in dict.fromkeys((*orders, *_exits_to_send(account_id))):
        execute_order(order_id, *clocks())


def _exits_to_send(account_id: int) -> list[uuid.UUID]:
    """Those whose message no worker takes."""
    pending = Order.objects.filter(account=account_id, state=OrderState.PENDING)
    exits = pending.exclude(purpose=Order.Purpose.ENTRY).order_by("created_at", "pk")
    return list(exits.values_list("pk", flat=True))
