"""Enqueue live trading tasks by name, because the tasks import the services."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from livetrading.models import Order
from tradedesk.publishing import publish

CHECK_NOW_TASK = "livetrading.tasks.check_now"
SEND_ORDERS_TASK = "livetrading.tasks.send_orders"
TICK_TASK = "livetrading.tasks.tick_account"
TICK_NOW_TASK = "livetrading.tasks.tick_now"
TEST_TASK = "livetrading.tasks.test_connection"


def enqueue_check_now(live_id: int) -> None:
    """Enqueue a check of one live strategy, on the queue that does not wait for others (CELERY_TASK_ROUTES)."""
    publish(CHECK_NOW_TASK, [(live_id,)])


def enqueue_tick_now(account_id: int) -> None:
    """Enqueue a tick of one account without checks, on the queue that does not wait for others."""
    publish(TICK_NOW_TASK, [(account_id,)])


def enqueue_orders(order_ids: Iterable[uuid.UUID]) -> None:
    """Enqueue the sending of these orders, in this order; one message for each account, so that none waits for the
    broker of another. One query."""
    ids = list(order_ids)
    accounts = dict(Order.objects.filter(pk__in=ids).values_list("pk", "account")) if ids else {}
    messages: dict[int, list[str]] = {}
    for order_id in ids:
        if order_id in accounts:
            messages.setdefault(accounts[order_id], []).append(str(order_id))
    publish(SEND_ORDERS_TASK, [(own,) for own in messages.values()])


def enqueue_ticks(claims: Iterable[tuple[int, datetime]]) -> None:
    """Enqueue a tick for each account. claims: their ids and the ends of their leases."""
    publish(TICK_TASK, [(account_id, until.isoformat()) for account_id, until in claims])


def enqueue_connection_test(test_id: int, run: uuid.UUID) -> None:
    """Enqueue the test of an account, on the queue of what waits for servers of others."""
    publish(TEST_TASK, [(test_id, str(run))])
