"""Celery tasks of live trading: read the clocks, call one step of the pipeline, enqueue the next."""

import logging
import uuid

from celery import shared_task
from django.utils import timezone

from livetrading.pipeline.check import check
from livetrading.pipeline.dispatch import claim_due
from livetrading.pipeline.execute import execute_order as execute
from livetrading.pipeline.reconcile import reconcile
from livetrading.pipeline.requeue import accounts_to_reconcile, lost_orders
from livetrading.services.control import record_error
from livetrading.services.queue import CHECK_NOW_TASK
from tradedesk.marketdata.clock import market_clock

log = logging.getLogger(__name__)


@shared_task
def dispatch_due_checks() -> None:
    for chunk in claim_due(market_clock().now(), timezone.now()):
        check_strategies.delay(chunk)


@shared_task(name=CHECK_NOW_TASK)
def check_now(live_id: int) -> None:
    """Check a new or restarted deployment without waiting for beat."""
    for chunk in claim_due(market_clock().now(), timezone.now(), only=[live_id]):
        check_strategies(chunk)


@shared_task
def check_strategies(ids: list[int]) -> None:
    for live_id in ids:
        now = market_clock().now()
        try:
            orders = check(live_id, now, timezone.now())
        except Exception as error:
            # A failed check must not prevent the checks of the other strategies.
            log.exception("Check of live strategy %s failed", live_id)
            record_error(live_id, error, now)
            continue
        for order_id in orders:
            execute_order.delay(str(order_id))


@shared_task
def execute_order(order_id: str) -> None:
    execute(uuid.UUID(order_id), market_clock().now(), timezone.now())


@shared_task
def reconcile_account(user_id: int, mode: str) -> None:
    reconcile(user_id, mode, market_clock().now(), timezone.now())


@shared_task
def requeue_lost_orders() -> None:
    for order_id in lost_orders(timezone.now()):
        execute_order.delay(str(order_id))
    for user_id, mode in accounts_to_reconcile():
        reconcile_account.delay(user_id, mode)
