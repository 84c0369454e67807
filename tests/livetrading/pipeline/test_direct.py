"""Acting without workers: what a page or the command does when Redis, beat or the worker is gone."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from livetrading.models import Halt, Order, PaperTrade
from livetrading.pipeline import direct
from livetrading.pipeline.direct import act, act_without_workers, finish, workers_work
from livetrading.pipeline.tick import tick
from livetrading.services.closing import close_position
from livetrading.services.halt import request
from tests.livetrading.factories import WALL, make_order
from tests.livetrading.made_bars import CLOSES, flat, store_bars
from tests.livetrading.pipeline.desk import open_account, step
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tests.livetrading.published import refuse_publishing
from tests.livetrading.second_broker.desk import SecondDesk, second_desk
from tests.livetrading.second_broker.variants import VARIANTS
from tradedesk.accounts.models import User
from tradedesk.monitoring.heartbeats import record_heartbeat
from tradedesk.monitoring.models import Component


class Clocks:
    """Market and wall time; `pause` lets them go on, and the broker work."""

    def __init__(self, now: datetime, desk: SecondDesk | None = None) -> None:
        self.now, self.wall, self.desk, self.pauses = now, WALL, desk, 0

    def __call__(self) -> tuple[datetime, datetime]:
        return (self.desk.now, self.desk.wall) if self.desk else (self.now, self.wall)

    def pause(self, seconds: float) -> None:
        self.pauses += 1
        if self.desk:
            self.desk.broker.work()
            self.desk.wait()


@pytest.fixture
def redis_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_publishing(monkeypatch)

    def refuse(*_: Any, **__: Any) -> None:
        raise OperationalError("Connection refused.")

    monkeypatch.setattr(Celery, "connection_for_write", refuse)


def held(user: User) -> PaperTrade:
    """A lot in the simulation."""
    store_bars(AAPL=flat(10, 10, 12, 13, 14))
    open_account(user, 100_000.0)
    live = make_two_bar_strategy(user, "AAPL", stop_loss_pct=0.5)
    for now in CLOSES[2:4]:
        step(live, now)
    return PaperTrade.objects.get()


@pytest.mark.parametrize(
    ("age", "works"), [(None, False), (timedelta(seconds=19), True), (timedelta(seconds=21), False)]
)
def test_a_fresh_heartbeat_says_that_the_worker_works(alice: User, age: timedelta | None, works: bool) -> None:
    if age is not None:
        record_heartbeat(Component.WORKER, "one", WALL - age)
    assert workers_work(WALL) is works


def test_a_heartbeat_does_not_count_while_the_queue_is_down(alice: User, redis_is_down: None) -> None:
    record_heartbeat(Component.WORKER, "one", WALL)
    assert not workers_work(WALL)


def test_a_flattened_account_is_sold_without_redis_and_celery(alice: User, redis_is_down: None) -> None:
    trade = held(alice)
    clocks = Clocks(CLOSES[3])
    halt = request(trade.account, "flatten", by="alice", now=CLOSES[3], wall_now=WALL)
    act_without_workers([trade.account_id], clocks)
    # All that can be done before the next bar.
    order = Order.objects.get(purpose="exit")
    assert (order.state, order.quantity) == ("accepted", trade.quantity)
    clocks.now = CLOSES[4]
    act(trade.account_id, clocks, seconds=0)
    halt.refresh_from_db()
    trade.refresh_from_db()
    assert (halt.finished_at, trade.exit_reason, trade.exit_price) == (WALL, "manual", 14)


def test_a_position_is_closed_and_no_entry_is_sent(alice: User, redis_is_down: None) -> None:
    trade = held(alice)
    entry = make_order(user=alice, symbol="IBM")
    close_position(trade.account, "AAPL", None, by=alice, now=CLOSES[3], wall_now=WALL)
    act_without_workers([trade.account_id], Clocks(CLOSES[3]))
    entry.refresh_from_db()
    assert (Order.objects.get(purpose="exit").state, entry.state) == ("accepted", "pending")


def test_workers_that_work_are_left_to_it(alice: User) -> None:
    trade = held(alice)
    record_heartbeat(Component.WORKER, "one", WALL)
    close_position(trade.account, "AAPL", None, by=alice, now=CLOSES[3], wall_now=WALL)
    act_without_workers([trade.account_id], Clocks(CLOSES[3]))
    assert Order.objects.get(purpose="exit").state == "pending"


@pytest.mark.parametrize("name", list(VARIANTS))
def test_it_goes_on_until_the_broker_has_freed_and_sold_the_shares(
    alice: User, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    desk = second_desk(monkeypatch, alice, VARIANTS[name])
    desk.hold()
    halt = request(desk.account, "flatten", by="alice", now=desk.now, wall_now=desk.wall)
    clocks = Clocks(desk.now, desk)
    reports: list[tuple[int, bool]] = []

    def report(halt: Halt) -> None:
        reports.append((halt.lots_sold, halt.is_unfinished))

    assert finish([halt], clocks, seconds=60, report=report, pause=clocks.pause) == []
    assert (reports, desk.unfinished(), desk.broker.shares["W"]) == ([(1, False)], [], 0)
    assert clocks.pauses <= 3


def test_it_gives_up_after_its_time(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = second_desk(monkeypatch, alice, VARIANTS["separate"])
    desk.hold()
    halt = request(desk.account, "flatten", by="alice", now=desk.now, wall_now=desk.wall)
    clocks = Clocks(desk.now, desk)
    assert finish([halt], clocks, seconds=0, pause=clocks.pause) == [halt]
    assert clocks.pauses == 0


def test_an_order_of_a_worker_that_is_gone_is_taken_over(alice: User) -> None:
    trade = held(alice)
    (order,) = close_position(trade.account, "AAPL", None, by=alice, now=CLOSES[3], wall_now=WALL)
    Order.claim(order.pk, "gone", WALL - timedelta(minutes=1))
    clocks = Clocks(CLOSES[3])
    act(trade.account_id, clocks, seconds=60, pause=clocks.pause)
    order.refresh_from_db()
    assert (order.state, order.attempts) == ("accepted", 2)


def test_the_trouble_of_one_account_stops_no_other(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade = held(alice)
    close_position(trade.account, "AAPL", None, by=alice, now=CLOSES[3], wall_now=WALL)

    def failing(account_id: int, *arguments: Any, **named: Any) -> Any:
        if account_id != trade.account_id:
            raise RuntimeError
        return tick(account_id, *arguments, **named)

    monkeypatch.setattr(direct, "tick", failing)
    act_without_workers([open_account(bob, 1.0).broker_account_id, trade.account_id], Clocks(CLOSES[3]))
    assert Order.objects.get(purpose="exit").state == "accepted"
