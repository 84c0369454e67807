"""Tasks are enqueued by name, and a queue that cannot be reached is no error."""

import uuid
from collections.abc import Callable

import pytest

from livetrading import tasks
from livetrading.services import queue
from tests.livetrading.factories import WALL, make_order
from tests.livetrading.published import published, refuse_publishing
from tradedesk.accounts.models import User
from tradedesk.publishing import QUEUE


def test_the_tasks_are_enqueued_with_their_arguments(alice: User) -> None:
    orders = [make_order(user=alice).pk, make_order(user=alice).pk]
    with published() as enqueued:
        queue.enqueue_check_now(7)
        queue.enqueue_orders(orders)
        queue.enqueue_orders([])
        queue.enqueue_ticks([(8, WALL)])
    assert enqueued == [
        ("check_now", [7]),
        ("send_orders", [[str(order) for order in orders]]),
        ("tick_account", [8, "2026-01-05T12:00:00+00:00"]),
    ]


def test_each_account_has_a_message_of_its_own(alice: User, bob: User) -> None:
    hers, his, again = (make_order(user=user).pk for user in (alice, bob, alice))
    with published() as enqueued:
        queue.enqueue_orders([hers, his, again, uuid.uuid4()])
    assert enqueued == [("send_orders", [[str(hers), str(again)]]), ("send_orders", [[str(his)]])]


def test_the_names_are_those_of_the_tasks() -> None:
    names = (queue.CHECK_NOW_TASK, queue.SEND_ORDERS_TASK, queue.TICK_TASK)
    assert names == (tasks.check_now.name, tasks.send_orders.name, tasks.tick_account.name)


def test_a_queue_that_cannot_be_reached_raises_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, alice: User
) -> None:
    """The database decides what is waiting, so beat finds the work; the log says what was not enqueued."""
    refuse_publishing(monkeypatch)
    enqueues: tuple[Callable[[], None], ...] = (
        lambda: queue.enqueue_check_now(7),
        lambda: queue.enqueue_orders([make_order(user=alice).pk]),
        lambda: queue.enqueue_ticks([(8, WALL)]),
    )
    for enqueue in enqueues:
        QUEUE.retry_at = 0.0  # as after a while
        enqueue()
    assert [record.args[0] for record in caplog.records if isinstance(record.args, tuple)] == [
        queue.CHECK_NOW_TASK,
        queue.SEND_ORDERS_TASK,
        queue.TICK_TASK,
    ]
