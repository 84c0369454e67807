"""Celery's doors: they read both clocks, call one step and enqueue the next, whatever one strategy does."""

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
from livetrading.services.control import control
from livetrading.services.deploy import Limits, deploy
from strategies.services import save_strategy
from tests.livetrading.factories import at_day, make_order
from tests.livetrading.made_bars import CLOSES, DAYS, TIMES, TWO_BARS, bring, flat
from tests.livetrading.pipeline.desk import WALL, open_account
from tests.livetrading.pipeline.watching import said, watching
from tests.livetrading.published import Published, published
from tradedesk.accounts.models import User

NOTHING_HELD = "This strategy holds no AAPL to sell."


@pytest.fixture
def queue() -> Iterator[Published]:
    with published() as found:
        yield found


@pytest.fixture(autouse=True)
def _desk(alice: User) -> Iterator[None]:
    """The replay stands at the close of the third session, the wall clock at WALL."""
    open_account(alice, 100_000.0)
    bring(AAPL=flat(10, 10, 12, 13), IBM=flat(50, 50, 60, 61))
    at_day(DAYS[2])
    with time_machine.travel(WALL, tick=False):
        yield


def now_due(user: User, *symbols: str, **fields: Any) -> LiveStrategy:
    return watching(user, *symbols, **({"next_check_at": CLOSES[2]} | fields))


def test_celery_knows_them_by_the_names_that_the_schedule_has() -> None:
    doors = "dispatch_due_checks check_now check_strategies execute_order reconcile_account sweep"
    assert {f"livetrading.tasks.{door}" for door in doors.split()} <= set(current_app.tasks)


def test_what_is_due_is_handed_out_in_chunks(alice: User, bob: User, queue: Published) -> None:
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


def test_one_strategys_trouble_does_not_keep_the_others_from_their_check(
    alice: User, bob: User, queue: Published, caplog: pytest.LogCaptureFixture
) -> None:
    good = now_due(alice, "AAPL", claimed_until=WALL)
    bad = now_due(alice, "AAPL", kind="gone", claimed_until=WALL, check_interval=120)
    # Bob is to trade with real money, and no live broker is connected.
    live = now_due(bob, "AAPL", mode="live", claimed_until=WALL)
    last = now_due(alice, "IBM", claimed_until=WALL)
    tasks.check_strategies([good.pk, bad.pk, live.pk, 404, last.pk])
    assert [said(each) for each in (good, bad, live, last)] == [
        [("AAPL", "buy", "")],
        [],
        [],
        [("IBM", "buy", "")],
    ]
    assert [name for name, _ in queue] == ["execute_order", "execute_order"]
    for each in (good, bad, live, last):
        each.refresh_from_db()
        assert (each.last_check_at, each.claimed_until) == (CLOSES[2], None)
    assert bad.last_error == "The last check failed: There is no strategy kind “gone”."
    assert bad.next_check_at == CLOSES[2] + timedelta(seconds=120)
    assert live.last_error == (
        "The last check failed: No live broker account is connected, so live orders cannot be sent."
    )
    assert (good.last_error, last.last_error) == ("", "")
    assert f"Check of live strategy {bad.pk} failed" in caplog.text


def test_a_strategy_that_failed_is_checked_again_and_then_is_well(alice: User, queue: Published) -> None:
    live = now_due(alice, "AAPL", kind="gone")
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
    gone, other = now_due(alice, "AAPL"), now_due(alice, "IBM")

    def deleted_meanwhile(live: LiveStrategy, now: Any) -> Any:
        if live == gone:
            LiveStrategy.objects.filter(pk=gone.pk).delete()
            raise RuntimeError("What it was working on is gone.")
        return look(live, now)

    monkeypatch.setattr("livetrading.pipeline.check.look", deleted_meanwhile)
    tasks.check_strategies([gone.pk, other.pk])
    assert [name for name, _ in queue] == ["execute_order"]
    assert said(other) == [("IBM", "buy", "")]


def test_an_error_in_the_middle_of_writing_leaves_nothing_and_does_not_spoil_the_next(
    alice: User, queue: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = now_due(alice, "AAPL"), now_due(alice, "IBM")
    real = check_module._order

    def broken(live: LiveStrategy, *rest: Any) -> Order:
        if live == first:
            # A statement that PostgreSQL refuses, inside the check's transaction.
            SignalHistory.objects.create(pk=SignalHistory.objects.get().pk)
        return real(live, *rest)

    monkeypatch.setattr(check_module, "_order", broken)
    tasks.check_strategies([first.pk, second.pk])
    assert (said(first), said(second)) == ([], [("IBM", "buy", "")])
    first.refresh_from_db()
    assert first.last_error.startswith("The last check failed: ")
    assert first.last_bar_time is None


def test_a_deployment_is_checked_at_once_in_the_same_task(alice: User, queue: Published) -> None:
    live = now_due(alice, "AAPL", next_check_at=CLOSES[9])
    tasks.check_now(live.pk)
    assert queue == [("execute_order", [str(Order.objects.get().pk)])]
    live.refresh_from_db()
    assert (live.last_check_at, live.claimed_until) == (CLOSES[2], None)


def test_a_deployment_that_beat_has_claimed_is_not_checked_a_second_time(alice: User, queue: Published) -> None:
    live = now_due(alice, "AAPL")
    tasks.dispatch_due_checks()
    tasks.check_now(live.pk)
    assert queue == [("check_strategies", [[live.pk]])]
    assert said(live) == []


def test_an_order_is_sent_at_the_markets_time(alice: User, queue: Published) -> None:
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


def test_the_sweep_enqueues_lost_orders_and_asks_the_brokers_of_working_ones(
    alice: User, bob: User, queue: Published
) -> None:
    lost = make_order(user=alice, state_changed_at=WALL - timedelta(seconds=6))
    make_order(user=alice, state_changed_at=WALL - timedelta(seconds=4))
    died = make_order(user=bob, state=OrderState.SUBMITTING, state_changed_at=WALL - timedelta(seconds=31))
    make_order(user=alice, state=OrderState.FILLED, state_changed_at=WALL - timedelta(days=1))
    tasks.sweep()
    assert queue == [("execute_order", [str(lost.pk)]), ("reconcile_account", [bob.pk, "paper"])]
    died.refresh_from_db()
    assert died.state == OrderState.UNKNOWN


def work_off(queue: Published) -> None:
    """What a worker does: each message in its turn, and what it leads to."""
    while queue:
        name, arguments = queue.pop(0)
        getattr(tasks, name)(*arguments)


def test_from_the_press_to_the_sale_through_the_doors_alone(alice: User, queue: Published) -> None:
    bring(AAPL=flat(10, 10, 12, 13, 12.5, 12.4, 12.2))
    strategy = save_strategy(alice, name="Two bars", symbols=["AAPL"], timeframe="1Day", **TWO_BARS)
    live = deploy(alice, strategy, now=CLOSES[2], limits=Limits(position_size_pct=0.12))
    tasks.check_now(live.pk)
    work_off(queue)
    for day in DAYS[3:7]:
        at_day(day)
        tasks.dispatch_due_checks()
        work_off(queue)
    assert said(live) == [("AAPL", "buy", ""), ("AAPL", "sell", ""), ("AAPL", "sell", NOTHING_HELD)]
    trade = PaperTrade.objects.get()
    # 12% of 100,000 / 12 is 1,000 shares. Bought at 13; 12.40 is below the 13 and 12.50 before: sold at 12.20.
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
