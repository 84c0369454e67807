"""Celery tasks: they read both clocks, call one step and enqueue the next; a failed check stops no other check."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from celery import current_app

from livetrading import tasks
from livetrading.models import LiveStrategy, Order, OrderState, PaperAccount, PaperTrade, SignalHistory
from livetrading.pipeline import check as check_module
from livetrading.pipeline.evaluate import evaluate
from livetrading.services.control import control
from livetrading.services.deploy import DeploymentSettings, deploy
from strategies.services import save_strategy
from tests.livetrading.factories import at_day, make_order
from tests.livetrading.made_bars import CLOSES, DAYS, TIMES, TWO_BARS, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, open_account
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy, signals_of
from tests.livetrading.published import Published, published
from tradedesk.accounts.models import User


@pytest.fixture
def queue() -> Iterator[Published]:
    with published() as found:
        yield found


@pytest.fixture(autouse=True)
def _desk(alice: User) -> Iterator[None]:
    """The replay is at the close of the third session, the wall clock at WALL."""
    open_account(alice, 100_000.0)
    store_bars(AAPL=flat(10, 10, 12, 13), IBM=flat(50, 50, 60, 61))
    at_day(DAYS[2])
    with time_machine.travel(WALL, tick=False):
        yield


def now_due(user: User, *symbols: str, **fields: Any) -> LiveStrategy:
    return make_two_bar_strategy(user, *symbols, **({"next_check_at": CLOSES[2]} | fields))


def test_the_tasks_are_registered_with_their_names() -> None:
    names = "dispatch_due_checks check_now check_strategies execute_order reconcile_account requeue_lost_orders"
    assert {f"livetrading.tasks.{name}" for name in names.split()} <= set(current_app.tasks)


def test_due_strategies_are_dispatched_in_chunks(alice: User, bob: User, queue: Published) -> None:
    mine, other = now_due(alice, "AAPL"), now_due(bob, "AAPL", timeframe="1Hour")
    now_due(alice, "IBM", next_check_at=CLOSES[2] + timedelta(seconds=1))
    tasks.dispatch_due_checks()
    assert sorted(queue) == [("check_strategies", [[mine.pk]]), ("check_strategies", [[other.pk]])]
    assert LiveStrategy.objects.get(pk=mine.pk).claimed_until == WALL + timedelta(seconds=30)
    tasks.dispatch_due_checks()
    assert len(queue) == 2


def test_a_chunk_is_checked_and_its_orders_enqueued(alice: User, queue: Published) -> None:
    chunk = [now_due(alice, "AAPL"), now_due(alice, "IBM")]
    tasks.check_strategies([live.pk for live in chunk])
    assert queue == [("execute_order", [str(live.orders.get().pk)]) for live in chunk]
    order = chunk[0].orders.get()
    assert (order.created_at, order.state_changed_at) == (CLOSES[2], WALL)


def test_a_failed_check_does_not_prevent_the_checks_of_other_strategies(
    alice: User, bob: User, queue: Published, caplog: pytest.LogCaptureFixture
) -> None:
    good = now_due(alice, "AAPL", claimed_until=WALL)
    bad = now_due(alice, "AAPL", kind="deleted-kind", claimed_until=WALL, check_interval=120)
    # Bob has deployed in live mode, and no live broker is connected.
    live = now_due(bob, "AAPL", mode="live", claimed_until=WALL)
    last = now_due(alice, "IBM", claimed_until=WALL)
    tasks.check_strategies([good.pk, bad.pk, live.pk, 404, last.pk])
    assert [signals_of(each) for each in (good, bad, live, last)] == [
        [("AAPL", "buy", "")],
        [],
        [],
        [("IBM", "buy", "")],
    ]
    assert [name for name, _ in queue] == ["execute_order", "execute_order"]
    for each in (good, bad, live, last):
        each.refresh_from_db()
        assert (each.last_check_at, each.claimed_until) == (CLOSES[2], None)
    assert "deleted-kind" in bad.last_error
    assert bad.next_check_at == CLOSES[2] + timedelta(seconds=120)
    assert live.last_error.startswith("The last check failed: ")
    assert (good.last_error, last.last_error) == ("", "")
    assert str(bad.pk) in caplog.text


def test_a_strategy_is_checked_again_after_a_failed_check(alice: User, queue: Published) -> None:
    live = now_due(alice, "AAPL", kind="deleted-kind")
    tasks.check_strategies([live.pk])
    LiveStrategy.objects.update(kind=TWO_BARS["kind"])
    tasks.dispatch_due_checks()
    assert queue == []  # not due yet
    LiveStrategy.objects.update(next_check_at=CLOSES[2])
    tasks.dispatch_due_checks()
    assert queue == [("check_strategies", [[live.pk]])]
    tasks.check_strategies([live.pk])
    live.refresh_from_db()
    assert (live.last_error, live.last_bar_time) == ("", TIMES[2])


def test_a_deployment_deleted_while_it_is_checked_does_not_stop_the_others(
    alice: User, queue: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted, other = now_due(alice, "AAPL"), now_due(alice, "IBM")

    def delete_and_fail(live: LiveStrategy, now: Any) -> Any:
        if live == deleted:
            LiveStrategy.objects.filter(pk=deleted.pk).delete()
            raise RuntimeError("The deployment was deleted.")
        return evaluate(live, now)

    monkeypatch.setattr(check_module, "evaluate", delete_and_fail)
    tasks.check_strategies([deleted.pk, other.pk])
    assert [name for name, _ in queue] == ["execute_order"]
    assert signals_of(other) == [("IBM", "buy", "")]


def test_a_database_error_rolls_the_check_back_and_the_next_one_runs(
    alice: User, queue: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = now_due(alice, "AAPL"), now_due(alice, "IBM")
    create_order = check_module._create_order

    def broken(live: LiveStrategy, *rest: Any) -> Order:
        if live == first:
            # A statement that PostgreSQL refuses, inside the check's transaction.
            SignalHistory.objects.create(pk=SignalHistory.objects.get().pk)
        return create_order(live, *rest)

    monkeypatch.setattr(check_module, "_create_order", broken)
    tasks.check_strategies([first.pk, second.pk])
    assert (signals_of(first), signals_of(second)) == ([], [("IBM", "buy", "")])
    first.refresh_from_db()
    assert first.last_error
    assert first.last_bar_time is None


def test_check_now_checks_the_deployment_in_the_same_task(alice: User, queue: Published) -> None:
    live = now_due(alice, "AAPL", next_check_at=CLOSES[9])
    tasks.check_now(live.pk)
    assert queue == [("execute_order", [str(Order.objects.get().pk)])]
    live.refresh_from_db()
    assert (live.last_check_at, live.claimed_until) == (CLOSES[2], None)


def test_check_now_skips_a_deployment_that_beat_has_claimed(alice: User, queue: Published) -> None:
    live = now_due(alice, "AAPL")
    tasks.dispatch_due_checks()
    tasks.check_now(live.pk)
    assert queue == [("check_strategies", [[live.pk]])]
    assert signals_of(live) == []


def test_an_order_is_sent_at_market_time(alice: User, queue: Published) -> None:
    live = now_due(alice, "AAPL")
    tasks.check_strategies([live.pk])
    (_, [order_id]) = queue[0]
    tasks.execute_order(order_id)
    order = Order.objects.get()
    assert (order.state, order.state_changed_at) == (OrderState.ACCEPTED, WALL)
    at_day(DAYS[3])
    tasks.reconcile_account(alice.pk, "paper")
    trade = PaperTrade.objects.get()
    assert (trade.entry_time, trade.entry_price, trade.quantity) == (TIMES[3], 13, 166)


def test_lost_orders_are_enqueued_again_and_accounts_with_orders_are_reconciled(
    alice: User, bob: User, queue: Published
) -> None:
    lost = make_order(user=alice, state_changed_at=WALL - timedelta(seconds=6))
    make_order(user=alice, state_changed_at=WALL - timedelta(seconds=4))
    stopped = make_order(user=bob, state=OrderState.SUBMITTING, state_changed_at=WALL - timedelta(seconds=31))
    make_order(user=alice, state=OrderState.FILLED, state_changed_at=WALL - timedelta(days=1))
    tasks.requeue_lost_orders()
    assert queue == [("execute_order", [str(lost.pk)]), ("reconcile_account", [bob.pk, "paper"])]
    stopped.refresh_from_db()
    assert stopped.state == OrderState.UNKNOWN


def run_worker(queue: Published) -> None:
    """Run the queued tasks in order, including those that they enqueue."""
    while queue:
        name, arguments = queue.pop(0)
        getattr(tasks, name)(*arguments)


def test_the_tasks_run_a_deployment_from_its_start_to_a_sale(alice: User, queue: Published) -> None:
    store_bars(AAPL=flat(10, 10, 12, 13, 12.5, 12.4, 12.2))
    strategy = save_strategy(alice, name="Two bars", symbols=["AAPL"], timeframe="1Day", **TWO_BARS)
    live = deploy(alice, strategy, now=CLOSES[2], settings=DeploymentSettings(rules={"position_size_pct": 0.12}))
    tasks.check_now(live.pk)
    run_worker(queue)
    for day in DAYS[3:7]:
        at_day(day)
        tasks.dispatch_due_checks()
        run_worker(queue)
    assert [(symbol, side, bool(reason)) for symbol, side, reason in signals_of(live)] == [
        ("AAPL", "buy", False),
        ("AAPL", "sell", False),
        ("AAPL", "sell", True),  # the lot is sold already
    ]
    trade = PaperTrade.objects.get()
    # 12% of 100,000 / 12 is 1,000 shares, bought at 13. 12.40 is below the lows of 13 and 12.50: sold at 12.20.
    assert (trade.quantity, trade.entry_price, trade.entry_time) == (1000, 13, TIMES[3])
    assert (trade.exit_price, trade.exit_time, trade.exit_reason, trade.pnl) == (
        Decimal("12.2"),
        TIMES[6],
        "signal",
        -800,
    )
    assert PaperAccount.objects.get().cash == 99_200
    control(live, "stop", CLOSES[6])
    at_day(DAYS[7])
    tasks.dispatch_due_checks()
    assert queue == []
