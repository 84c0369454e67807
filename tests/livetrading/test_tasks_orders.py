"""Celery tasks of orders and of checks at once, and the whole way of a deployment."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from livetrading import tasks
from livetrading.models import BrokerAccount, Order, OrderState, PaperAccount, PaperTrade
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.fence import LEASE
from livetrading.services.control import control
from livetrading.services.deploy import DeploymentSettings, deploy
from strategies.services import save_strategy
from tests.livetrading.factories import account_of, at_day, make_order
from tests.livetrading.made_bars import CLOSES, DAYS, TIMES, TWO_BARS, flat, store_bars
from tests.livetrading.pipeline.desk import WALL
from tests.livetrading.pipeline.two_bar_strategy import signals_of
from tests.livetrading.published import Published, published
from tests.livetrading.queued import now_due, run_next, run_worker, third_session
from tradedesk import publishing
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


# --- Checks at once --------------------------------------------------------------------------------------------


def test_check_now_checks_the_deployment_in_the_same_task(alice: User, queue: Published) -> None:
    """Whether it is due or not, and without the others; its orders are sent at once, too."""
    live, other = now_due(alice, "AAPL", next_check_at=CLOSES[9]), now_due(alice, "IBM")
    tasks.check_now(live.pk)
    assert queue == []
    assert Order.objects.get(purpose="entry").state == OrderState.ACCEPTED
    live.refresh_from_db()
    assert live.last_check_at == CLOSES[2]
    assert signals_of(other) == []


def test_check_now_and_beat_decide_once(alice: User, queue: Published) -> None:
    """A check of a new deployment does not wait for the claim of the account."""
    live = now_due(alice, "AAPL")
    tasks.dispatch_due_accounts()
    tasks.check_now(live.pk)
    run_worker(queue)
    assert signals_of(live) == [("AAPL", "buy", "")]
    assert Order.objects.get(purpose="entry").state == OrderState.ACCEPTED


def test_check_now_of_a_deleted_deployment_does_nothing(queue: Published) -> None:
    tasks.check_now(404)
    assert queue == []


# --- Orders ----------------------------------------------------------------------------------------------------


def test_orders_are_sent_at_market_time_and_filled_by_the_next_bar(alice: User, queue: Published) -> None:
    now_due(alice, "AAPL")
    tasks.dispatch_due_accounts()
    run_worker(queue)
    order = Order.objects.get(purpose="entry")
    assert (order.state, order.state_changed_at) == (OrderState.ACCEPTED, WALL)
    at_day(DAYS[3])
    tasks.dispatch_due_accounts()
    run_worker(queue)
    trade = PaperTrade.objects.get()
    assert (trade.entry_time, trade.entry_price, trade.quantity) == (TIMES[3], 13, 166)


def test_an_order_that_cannot_be_sent_does_not_stop_the_others(
    alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = (make_order(user=alice, symbol=symbol, created_at=CLOSES[2]) for symbol in ("AAPL", "IBM"))

    def broken(order_id: Any, *rest: Any) -> None:
        if order_id == first.pk:
            raise RuntimeError("The database has gone away")
        execute_order(order_id, *rest)

    monkeypatch.setattr(tasks, "execute_order", broken)
    tasks.send_orders([str(first.pk), str(second.pk)])
    assert dict(Order.objects.values_list("pk", "state")) == {first.pk: "pending", second.pk: "accepted"}
    assert str(first.pk) in caplog.text


def test_lost_orders_are_enqueued_again_and_unknown_ones_are_asked_for(
    alice: User, bob: User, queue: Published, wall: Any
) -> None:
    lost = make_order(user=alice, created_at=CLOSES[2], state_changed_at=WALL - timedelta(seconds=6))
    make_order(user=alice, state_changed_at=WALL - timedelta(seconds=4))
    stopped = make_order(
        user=bob,
        created_at=CLOSES[2],
        state=OrderState.SUBMITTING,
        state_changed_at=WALL - timedelta(seconds=31),
    )
    make_order(user=alice, state=OrderState.FILLED, state_changed_at=WALL - timedelta(days=1))
    BrokerAccount.objects.update(reconciled_at=CLOSES[2])
    tasks.requeue_lost_orders()
    assert queue == [("send_orders", [[str(lost.pk)]])]
    stopped.refresh_from_db()
    assert stopped.state == OrderState.UNKNOWN
    queue.clear()
    tasks.dispatch_due_accounts()
    assert [arguments[0] for _, arguments in queue] == [stopped.account_id]
    run_worker(queue)
    stopped.refresh_from_db()
    assert stopped.state == OrderState.PENDING, "the broker never received it"
    wall.shift(timedelta(seconds=6))
    tasks.requeue_lost_orders()
    run_worker(queue)
    stopped.refresh_from_db()
    assert stopped.state == OrderState.ACCEPTED


@pytest.mark.parametrize("lose", ["tick", "orders"])
def test_a_message_that_cannot_be_published_loses_no_work(
    alice: User, queue: Published, wall: Any, monkeypatch: pytest.MonkeyPatch, lose: str
) -> None:
    live = now_due(alice, "AAPL")

    class NoQueue:
        def send_task(self, *_: object, **__: object) -> None:
            raise ConnectionError("The queue does not answer")

    if lose == "orders":
        tasks.dispatch_due_accounts()
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "current_app", NoQueue())
        tasks.dispatch_due_accounts() if lose == "tick" else run_next(queue)
    assert queue == []
    wall.shift(LEASE)
    publishing.QUEUE.retry_at = 0.0  # its time is over, too
    for beat in (tasks.dispatch_due_accounts, tasks.requeue_lost_orders):
        beat()
        run_worker(queue)
    assert signals_of(live) == [("AAPL", "buy", "")]
    assert Order.objects.get(purpose="entry").state == OrderState.ACCEPTED


# --- The whole way ---------------------------------------------------------------------------------------------


def test_the_tasks_run_a_deployment_from_its_start_to_a_sale(alice: User, queue: Published) -> None:
    store_bars(AAPL=flat(10, 10, 12, 13, 12.5, 12.4, 12.2))
    strategy = save_strategy(alice, name="Two bars", symbols=["AAPL"], timeframe="1Day", **TWO_BARS)
    live = deploy(
        alice,
        strategy,
        now=CLOSES[2],
        wall_now=CLOSES[2],
        settings=DeploymentSettings(rules={"position_size_pct": 0.12}),
    )
    tasks.check_now(live.pk)
    run_worker(queue)
    for day in DAYS[3:7]:
        at_day(day)
        tasks.dispatch_due_accounts()
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
    account = account_of(alice)
    assert (account.cash, account.booked_cash, account.equity) == (99_200, 99_200, 99_200)
    control(live, "stop", CLOSES[6], CLOSES[6])
    at_day(DAYS[7])
    tasks.dispatch_due_accounts()
    assert queue == []
