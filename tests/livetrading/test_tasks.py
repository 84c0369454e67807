"""Celery tasks: they read both clocks, call one step of the pipeline and enqueue the next."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from celery import current_app

from livetrading import tasks
from livetrading.brokers.protocol import OutcomeUnknown
from livetrading.models import BrokerAccount, LiveStrategy, Order
from livetrading.pipeline import tick as tick_module
from livetrading.pipeline.checks import check_set
from livetrading.pipeline.dispatch import claim_due_accounts
from livetrading.pipeline.evaluate import evaluate
from livetrading.pipeline.fence import LEASE
from livetrading.services.accounts import broker_for
from tests.livetrading.factories import account_of, at_day
from tests.livetrading.made_bars import CLOSES, DAYS, TIMES, TWO_BARS
from tests.livetrading.pipeline.desk import WALL
from tests.livetrading.pipeline.two_bar_strategy import signals_of
from tests.livetrading.published import Published, published
from tests.livetrading.queued import entries, now_due, run_next, run_worker, third_session
from tradedesk.accounts.models import User

SECOND = timedelta(seconds=1)


@pytest.fixture
def queue() -> Iterator[Published]:
    with published() as found:
        yield found


@pytest.fixture(autouse=True)
def wall(alice: User) -> Iterator[time_machine.Traveller]:
    with third_session(alice) as traveller:
        yield traveller


def no_response(*_: object) -> Any:
    raise OutcomeUnknown("timed out")


def test_the_tasks_are_registered_with_their_names() -> None:
    names = "dispatch_due_accounts tick_account check_now send_orders requeue_lost_orders"
    assert {f"livetrading.tasks.{name}" for name in names.split()} <= set(current_app.tasks)


# --- Ticks -----------------------------------------------------------------------------------------------------


def test_due_accounts_are_dispatched_once_with_their_lease(alice: User, bob: User, queue: Published) -> None:
    mine, _, bobs = now_due(alice, "AAPL"), now_due(alice, "IBM"), now_due(bob, "AAPL")
    lease = (WALL + LEASE).isoformat()
    tasks.dispatch_due_accounts()
    assert sorted(queue) == [
        ("tick_account", [mine.account_id, lease]),
        ("tick_account", [bobs.account_id, lease]),
    ]
    tasks.dispatch_due_accounts()
    assert len(queue) == 2


def test_a_tick_checks_what_is_due_enqueues_the_orders_and_releases_the_account(
    alice: User, queue: Published
) -> None:
    now_due(alice, "AAPL"), now_due(alice, "IBM")
    later = now_due(alice, "AAPL", next_check_at=CLOSES[2] + SECOND)
    tasks.dispatch_due_accounts()
    run_next(queue)
    assert queue == [("send_orders", [entries()])]
    assert len(entries()) == 2
    order = Order.objects.filter(purpose="entry")[0]
    assert (order.created_at, order.state_changed_at) == (CLOSES[2], WALL)
    assert signals_of(later) == []
    assert BrokerAccount.objects.get().claimed_until == WALL


def test_a_message_whose_claim_was_lost_does_nothing(alice: User, queue: Published, wall: Any) -> None:
    live = now_due(alice, "AAPL")
    tasks.dispatch_due_accounts()
    stale = queue.pop(0)[1]
    wall.shift(LEASE)
    tasks.dispatch_due_accounts()
    tasks.tick_account(*stale)
    assert signals_of(live) == []
    assert BrokerAccount.objects.get().claimed_until == WALL + 2 * LEASE
    run_next(queue)
    assert signals_of(live) == [("AAPL", "buy", "")]
    # A message that is delivered twice finds the account released.
    before = LiveStrategy.objects.get().last_check_at
    at_day(DAYS[3])
    tasks.tick_account(account_of(alice).pk, (WALL + 2 * LEASE).isoformat())
    assert LiveStrategy.objects.get().last_check_at == before


def test_a_message_of_a_deleted_account_does_nothing(queue: Published) -> None:
    tasks.tick_account(404, WALL.isoformat())
    assert queue == []


def test_a_long_tick_keeps_its_claim(
    alice: User, queue: Published, wall: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_due(alice, "AAPL")
    leases: list[datetime | None] = []

    def slow_evaluate(*arguments: Any) -> Any:
        leases.append(BrokerAccount.objects.get().claimed_until)
        wall.shift(20 * SECOND)
        return evaluate(*arguments)

    def slow_check_set(*arguments: Any) -> Any:
        leases.append(BrokerAccount.objects.get().claimed_until)
        wall.shift(20 * SECOND)
        return check_set(*arguments)

    monkeypatch.setattr(tick_module, "evaluate", slow_evaluate)
    monkeypatch.setattr(tick_module, "check_set", slow_check_set)
    tasks.dispatch_due_accounts()
    run_next(queue)
    assert leases == [WALL + LEASE, WALL + 20 * SECOND + LEASE]
    assert BrokerAccount.objects.get().claimed_until == WALL + 40 * SECOND


def test_a_tick_that_lost_its_claim_does_not_release_the_account(
    alice: User, queue: Published, wall: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other worker has the account; what both decide is written once."""
    live = now_due(alice, "AAPL")

    def stall(*arguments: Any) -> Any:
        wall.shift(LEASE + SECOND)
        assert len(claim_due_accounts(CLOSES[2], WALL + LEASE + SECOND)) == 1
        return evaluate(*arguments)

    monkeypatch.setattr(tick_module, "evaluate", stall)
    tasks.dispatch_due_accounts()
    run_next(queue)
    theirs = WALL + 2 * LEASE + SECOND
    assert BrokerAccount.objects.get().claimed_until == theirs
    monkeypatch.undo()
    tasks.tick_account(live.account_id, theirs.isoformat())
    assert signals_of(live) == [("AAPL", "buy", "")]
    assert queue == [("send_orders", [entries()])]


def test_more_strategies_than_one_set_are_checked_by_further_messages(
    alice: User, queue: Published, wall: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tick_module, "SET", 2)
    monkeypatch.setattr(tick_module, "SETS_SECONDS", 0.0)
    members = [now_due(alice, "AAPL") for _ in range(3)]
    tasks.dispatch_due_accounts()
    wall.shift(SECOND)
    run_next(queue)
    longer = WALL + SECOND + LEASE
    assert [name for name, _ in queue] == ["send_orders", "tick_account"]
    assert queue[1][1] == [members[0].account_id, longer.isoformat()]
    assert BrokerAccount.objects.get().claimed_until == longer
    run_worker(queue)
    assert [signals_of(live) for live in members] == [[("AAPL", "buy", "")]] * 3
    assert BrokerAccount.objects.get().claimed_until == WALL + SECOND


def test_an_account_that_cannot_be_reconciled_is_left_alone_for_longer_and_longer(
    alice: User, bob: User, queue: Published, wall: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account of another user goes on, and the pauses end with the first success."""
    live, bobs = now_due(alice, "AAPL"), now_due(bob, "IBM")
    with monkeypatch.context() as patch:
        patch.setattr(
            tick_module,
            "broker_for",
            lambda account, now: no_response() if account.user_id == alice.pk else broker_for(account, now),
        )
        for pause in (1, 2, 4):
            LiveStrategy.objects.filter(pk=live.pk).update(next_check_at=CLOSES[2])
            tasks.dispatch_due_accounts()
            run_worker(queue)
            wall.shift((pause - 0.001) * SECOND)
            LiveStrategy.objects.filter(pk=live.pk).update(next_check_at=CLOSES[2])
            tasks.dispatch_due_accounts()
            assert queue == [], "the account is left alone"
            wall.shift(0.001 * SECOND)
    account = account_of(alice)
    assert (account.state, account.failures) == ("degraded", 3)
    assert (signals_of(live), signals_of(bobs)) == ([], [("IBM", "buy", "")])
    tasks.dispatch_due_accounts()
    run_worker(queue)
    account.refresh_from_db()
    assert (account.state, account.failures) == ("connected", 0)
    assert signals_of(live) == [("AAPL", "buy", "")]


def test_a_strategy_is_checked_again_once_its_error_is_mended(alice: User, queue: Published) -> None:
    live = now_due(alice, "AAPL", kind="deleted-kind", check_interval=120)
    tasks.dispatch_due_accounts()
    run_worker(queue)
    assert LiveStrategy.objects.get().status == "error"
    LiveStrategy.objects.update(kind=TWO_BARS["kind"], status="active")
    tasks.dispatch_due_accounts()
    assert queue == []  # not due yet
    LiveStrategy.objects.update(next_check_at=CLOSES[2])
    tasks.dispatch_due_accounts()
    run_worker(queue)
    live.refresh_from_db()
    assert (live.last_error, live.last_bar_time) == ("", TIMES[2])
