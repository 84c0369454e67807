"""Celery tasks of live trading: read the clocks, call one step of the pipeline, enqueue the next."""

import logging
import uuid
from collections.abc import Iterable
from datetime import datetime

from celery import shared_task
from django.utils import timezone
from structlog.contextvars import bind_contextvars

from livetrading.beside.compute import compute_due
from livetrading.beside.nightly import delete_old_replays, replay_due
from livetrading.models import BrokerAccount, LiveStrategy, Order
from livetrading.pipeline.dispatch import claim_due_accounts, release, renew
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.expiry import expire_entries
from livetrading.pipeline.patience import Patience
from livetrading.pipeline.requeue import lost_orders
from livetrading.pipeline.tick import tick
from livetrading.services import broker_time, decision_log
from livetrading.services.broker_turns import TURNS
from livetrading.services.connection_tests import SLOTS, enqueue_next, enqueue_waiting, finish_test, run_test
from livetrading.services.daily_summary import summarize_sessions
from livetrading.services.evidence import carry_computed
from livetrading.services.missed_checks import end_missed_checks, find_missed_checks
from livetrading.services.promotion import raise_as_tested
from livetrading.services.queue import (
    CHECK_NOW_TASK,
    SEND_ORDERS_TASK,
    TEST_TASK,
    TICK_NOW_TASK,
    TICK_TASK,
    enqueue_orders,
    enqueue_ticks,
)
from tradedesk.marketdata.clock import market_clock, market_status

log = logging.getLogger(__name__)


@shared_task
def dispatch_due_accounts() -> None:
    enqueue_ticks(claim_due_accounts(market_clock().now(), timezone.now()))


@shared_task(name=TICK_TASK)
def tick_account(account_id: int, lease: str) -> None:
    """One tick of a claimed account. A message whose claim was lost does nothing."""
    claim = [renew(account_id, datetime.fromisoformat(lease), timezone.now())]

    def keep_claim() -> bool:
        if claim[0] is not None:
            claim[0] = renew(account_id, claim[0], timezone.now())
        return claim[0] is not None

    if claim[0] is None:
        return
    broker = BrokerAccount.objects.values_list("broker", flat=True).get(pk=account_id)
    with TURNS.turn(broker) as mine:
        if not mine:
            release(account_id, claim[0], timezone.now())
            return
        result = tick(account_id, market_clock().now(), timezone.now(), renew=keep_claim, clock=timezone.now)
    enqueue_orders(result.orders)
    keep_claim()
    if claim[0] is None:
        return
    if result.more:
        # The rest goes to the end of the queue, so that other accounts have their turn.
        enqueue_ticks([(account_id, claim[0])])
    else:
        release(account_id, claim[0], timezone.now() + result.pause)


@shared_task(name=CHECK_NOW_TASK)
def check_now(live_id: int) -> None:
    """Check a new or restarted deployment without waiting for beat or for other checks."""
    known = LiveStrategy.objects.filter(pk=live_id).values_list("account", "account__broker").first()
    if known is None:
        return
    account_id, broker = known
    with TURNS.turn(broker) as mine:
        if not mine:
            return  # the check is due, and beat finds it
        result = tick(account_id, market_clock().now(), timezone.now(), only=(live_id,), clock=timezone.now)
    _send(result.orders)


@shared_task(name=TICK_NOW_TASK)
def tick_now(account_id: int) -> None:
    """One tick of an account that is stopped or closed by hand, without waiting for beat or for checks."""
    broker = BrokerAccount.objects.values_list("broker", flat=True).filter(pk=account_id).first()
    with TURNS.turn(broker or "") as mine:
        if broker is None or not mine:
            return  # the account is due, and beat finds it
        result = tick(account_id, market_clock().now(), timezone.now(), checks=False, clock=timezone.now)
    _send(result.orders)


@shared_task(name=SEND_ORDERS_TASK)
def send_orders(order_ids: list[str]) -> None:
    _send(uuid.UUID(order_id) for order_id in order_ids)


@shared_task(name=TEST_TASK)
def test_connection(test_id: int, run: str) -> None:
    """Test a broker account, for the page that asked for it. A test that finds no slot stays queued."""
    if not SLOTS.acquire(blocking=False):
        return
    try:
        outcome = run_test(test_id, uuid.UUID(run), market_clock().now())
        if outcome is not None:
            finish_test(test_id, uuid.UUID(run), outcome, timezone.now())
    finally:
        SLOTS.release()
    enqueue_next(timezone.now())


@shared_task
def requeue_lost_orders() -> None:
    expire_entries(market_clock().now(), timezone.now())
    enqueue_orders(lost_orders(timezone.now()))


@shared_task
def requeue_lost_tests() -> None:
    enqueue_waiting(timezone.now())


@shared_task
def delete_old_decisions() -> None:
    decision_log.delete_old_decisions(market_clock().now())
    delete_old_replays(market_clock().now())


@shared_task
def watch_missed_checks() -> None:
    end_missed_checks()
    find_missed_checks(market_clock().now(), market_status())


@shared_task
def compare_times() -> None:
    """On the queue of notifications, because it waits for a broker."""
    broker_time.compare(timezone.now)


@shared_task
def summarize_closed_sessions() -> None:
    """On the queue of notifications: a summary is no hurry."""
    summarize_sessions(market_clock().now(), ended=market_status().ended)


@shared_task
def compare_with_backtests() -> None:
    """On the queue of research, because it may take seconds."""
    compute_due(market_clock().now(), timezone.now)


@shared_task
def replay_decisions() -> None:
    """On the queue of research, for the same reason."""
    replay_due(market_clock().now(), timezone.now, ended=market_status().ended)


@shared_task
def carry_computed_evidence() -> None:
    carry_computed()


@shared_task
def raise_promoted_sizes() -> None:
    raise_as_tested(market_clock().now(), timezone.now())


def _send(order_ids: Iterable[uuid.UUID]) -> None:
    """Send these orders of one account."""
    ids = list(order_ids)
    broker = Order.objects.filter(pk__in=ids).values_list("account__broker", flat=True).first()
    patience = Patience()
    for number, order_id in enumerate(ids):
        if patience.is_over:
            # The rest goes to the end of the queue, so that other accounts have their turn.
            enqueue_orders(ids[number:])
            return
        with TURNS.turn(broker or "") as mine:
            bind_contextvars(order=str(order_id))
            if not mine:
                return  # they stay PENDING, and requeue finds them
            try:
                execute_order(order_id, market_clock().now(), timezone.now(), timezone.now)
            except Exception:
                # It is enqueued again; the other orders go on.
                log.exception("Order %s could not be sent", order_id)
