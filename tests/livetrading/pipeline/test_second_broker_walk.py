"""Random walks over everything that can happen at a broker: the invariants hold after each step, and all
settles."""

from decimal import Decimal
from random import Random

import pytest

from livetrading.models import LiveStrategy, Order, OrderState
from livetrading.models.order import FINAL
from livetrading.models.trade import trades_of
from livetrading.pipeline.requeue import lost_orders
from tests.livetrading.second_broker.desk import SecondDesk, second_desk
from tests.livetrading.second_broker.variants import VARIANTS
from tradedesk.accounts.models import User

STEPS = 40
METHODS = ("submit", "replace", "cancel", "order_by_client_id", "open_orders", "fills_since")
SETTLED = {*FINAL, OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED, OrderState.GUARDED}


class Walk:
    """One walk. outside: whether the owner trades without the desk, too."""

    def __init__(self, desk: SecondDesk, seed: int, *, outside: bool) -> None:
        self.desk, self.random = desk, Random(seed)
        self.day = [10.0]
        actions = (self.work, self.tick, self.send, self.move, self.tick_and_send) * 3
        self.actions = (*actions, self.lose, self.stall, self.drop, self.requeue, self.bar, self.bar, self.expire)
        self.actions = (*self.actions, self.reject, self.refuse, self.pause, *((self.trade,) if outside else ()))

    def run(self) -> None:
        self.desk.order_entry()
        self.desk.broker.jump("W", 10)
        for _ in range(STEPS):
            self.random.choice(self.actions)()

    def settle(self) -> None:
        broker = self.desk.broker
        broker.losses, broker.reject_next, broker.sales_to_refuse, broker.largest_fill = {}, [], 0, None
        for _ in range(10):
            self.desk.wait(55)
            self.desk.step()

    # --- What can happen ---

    def work(self) -> None:
        self.desk.broker.largest_fill = self.random.choice([None, None, Decimal(30), Decimal(0)])
        self.desk.broker.work()

    def tick(self) -> None:
        self.desk.wait(self.random.choice([1, 5, 20]))
        self.desk.tick()

    def send(self) -> None:
        self.random.shuffle(self.desk.outbox)
        self.desk.send()

    def tick_and_send(self) -> None:
        self.tick()
        self.send()

    def move(self) -> None:
        price = round(self.day[-1] * self.random.uniform(0.93, 1.08), 2)
        self.day.append(price)
        (self.desk.broker.move if self.random.random() < 0.8 else self.desk.broker.jump)("W", price)

    def bar(self) -> None:
        prices = self.day
        self.desk.close_bar(prices[0], max(prices), min(prices), prices[-1])
        self.day = [prices[-1]]

    def lose(self) -> None:
        script = [self.random.choice(["before", "after"]) for _ in range(self.random.randint(1, 2))]
        self.desk.broker.losses[self.random.choice(METHODS)] = script

    def stall(self) -> None:
        """A worker claims an order and stops."""
        for order in self.desk.outbox[:1]:
            Order.claim(order, "stalled", self.desk.wall)
            self.desk.outbox.remove(order)

    def drop(self) -> None:
        self.desk.outbox.clear()

    def requeue(self) -> None:
        self.desk.wait(self.random.choice([6, 40]))
        self.desk.outbox += lost_orders(self.desk.wall)

    def expire(self) -> None:
        self.desk.broker.end_day(all_orders=self.random.random() < 0.3)

    def reject(self) -> None:
        self.desk.broker.reject_next = [self.random.choice(["any", "stop", "limit", "market"])]

    def refuse(self) -> None:
        self.desk.broker.sales_to_refuse = 1

    def pause(self) -> None:
        to = self.random.choice(["active", "active", "paused"])
        LiveStrategy.objects.filter(pk=self.desk.live.pk).update(status=to)

    def trade(self) -> None:
        held = self.desk.broker.shares.get("W", Decimal(0))
        self.desk.broker.trade_outside("W", self.random.choice([5, -5 if held >= 5 else 5]), self.day[-1])


@pytest.mark.each_value
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_the_invariants_hold_and_everything_settles(
    alice: User, monkeypatch: pytest.MonkeyPatch, variant: str, seed: int
) -> None:
    desk = second_desk(monkeypatch, alice, VARIANTS[variant], fractional=seed % 4 == 3)
    desk.broker.locks_together = seed % 3 != 2
    desk.broker.legs_survive = seed % 2 == 0
    walk = Walk(desk, 1000 * seed + len(variant), outside=seed % 5 == 4)
    walk.run()
    walk.settle()
    assert {order.state for order in desk.account.orders.all()} <= SETTLED
    if seed % 5 != 4:
        locked = [reason for reason in desk.broker.refused if "locked" in reason]
        assert not locked or not desk.broker.locks_together
        assert set(desk.incidents()) <= {"failed_exit"}
        lots = trades_of(desk.account, desk.account.mode).filter(exit_time=None)
        held = {lot.opening_order_id.hex for lot in lots}
        alarms = desk.account.incidents.filter(kind="failed_exit", resolved_at=None)
        assert set(alarms.values_list("key", flat=True)) <= held, "an alarm ends when its lot is sold"
