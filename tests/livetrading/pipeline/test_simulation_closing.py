"""Halts and closing by hand in the simulation: a market order fills at the open of the next bar, to the cent."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from livetrading.models import BrokerAccount, Halt, LiveStrategy, Order, PaperAccount, PaperTrade
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.requeue import lost_orders
from livetrading.pipeline.tick import tick
from livetrading.services.closing import close_position
from livetrading.services.halt import lift, request
from livetrading.services.order_cancel import cancel_order
from livetrading.services.replay_hold import unfinished_work
from tests.livetrading.made_bars import CLOSES, store_bars, traded
from tests.livetrading.pipeline.desk import WALL, open_account
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tradedesk.accounts.models import User
from tradedesk.core.rules import Costs

COSTS = Costs(commission_per_order=1.0, slippage_bps=10.0)
# Bought at the open of row 3, at 10 and 0.1% more.
ROWS = [(10, 10, 10, 10)] * 2 + [(10, 12, 10, 11), (10, 11, 10, 11)]
BOUGHT = Decimal("10.01")


class Desk:
    """An account in the simulation with 100 AAPL, and a stop at 10% below what was paid."""

    def __init__(self, user: User, *later: tuple[float, float, float, float]) -> None:
        self.rows = [*ROWS, *later]
        store_bars(AAPL=traded(*self.rows))
        self.books = open_account(user, 10_000.0, COSTS)
        self.account = self.books.broker_account
        rules = {"position_size_pct": 0.5, "max_position_size": Decimal(1105), "stop_loss_pct": 0.1}
        self.live = make_two_bar_strategy(user, "AAPL", next_check_at=CLOSES[2], **rules)
        self.row, self.wall = 2, WALL
        self.session()
        self.session()
        self.trade = PaperTrade.objects.get()
        LiveStrategy.objects.update(status="paused")

    @property
    def now(self) -> datetime:
        return CLOSES[self.row]

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.wall += timedelta(seconds=6)
            orders = tick(self.account.pk, self.now, self.wall).orders
            for order_id in dict.fromkeys([*orders, *lost_orders(self.wall)]):
                execute_order(order_id, self.now, self.wall)

    def session(self) -> None:
        """All that is to do at this close, then the next one."""
        self.tick(4)
        self.row += 1

    def close(self, shares: int | None = None) -> list[Order]:
        quantity = None if shares is None else Decimal(shares)
        user = self.account.user
        return close_position(self.account, "AAPL", quantity, by=user, now=self.now, wall_now=self.wall)

    def halt(self, action: str) -> Halt:
        return request(self.account, action, by="alice", now=self.now, wall_now=self.wall)

    def cash(self) -> tuple[Decimal, Decimal | None]:
        """By the broker's books and by ours."""
        self.account.refresh_from_db()
        return PaperAccount.objects.get().cash, self.account.booked_cash

    def exits(self) -> list[tuple[str, str, Decimal]]:
        sales = Order.objects.filter(side="sell", filled_quantity__gt=0).order_by("created_at", "purpose")
        return [(order.purpose, order.state, order.filled_quantity) for order in sales]


PAID = 100 * BOUGHT + 1


def test_a_flattened_account_is_sold_at_the_next_open(alice: User) -> None:
    desk = Desk(alice, (11, 11, 11, 11), (12, 12, 12, 12))
    desk.row = 4
    desk.tick()
    halt = desk.halt("flatten")
    desk.tick()
    halt.refresh_from_db()
    assert (halt.started_at, halt.finished_at, halt.lots_sold) == (desk.wall, None, 0)
    desk.row = 5
    desk.tick()
    halt.refresh_from_db()
    assert (halt.lots_sold, halt.lots_to_sell, halt.finished_at) == (1, 1, desk.wall)
    price = Decimal("11.988")
    trade = PaperTrade.objects.get()
    assert (trade.exit_reason, trade.exit_price, trade.exit_quantity) == ("manual", price, 100)
    assert desk.cash() == (10_000 - PAID + 100 * price - 1,) * 2
    assert not Order.objects.filter(state__in=("accepted", "waiting")).exists()


def test_a_part_is_sold_at_the_next_open_and_the_stop_sells_the_rest_of_the_same_bar(alice: User) -> None:
    desk = Desk(alice, (11, 11, 11, 11), (10, 10, 8, 8))
    desk.row = 4
    desk.tick()
    desk.close(40)
    desk.tick()
    desk.row = 5
    desk.tick()
    part, stop = Decimal("9.99"), Decimal("8.999991")
    trade = PaperTrade.objects.get()
    assert desk.exits() == [("stop_loss", "filled", 60), ("exit", "filled", 40)]
    assert (trade.exit_reason, trade.exit_quantity) == ("stop_loss", 100)
    assert desk.cash() == (10_000 - PAID + 40 * part - 1 + 60 * stop - 1,) * 2


def test_the_rest_of_a_lot_stays_protected_after_a_part_was_sold(alice: User) -> None:
    desk = Desk(alice, (11, 11, 11, 11), (11, 11, 11, 11), (10, 10, 8, 8))
    desk.row = 4
    desk.close(40)
    desk.tick()
    desk.row = 5
    desk.tick()
    stop = Order.objects.get(purpose="stop_loss")
    assert (PaperTrade.objects.get().open_quantity, stop.quantity, stop.state) == (60, 60, "accepted")
    desk.row = 6
    desk.tick()
    assert desk.exits() == [("stop_loss", "filled", 60), ("exit", "filled", 40)]
    assert desk.cash()[0] == desk.cash()[1]


@pytest.mark.parametrize("then", ["close", "flatten"])
def test_the_whole_lot_takes_over_the_sale_of_a_part_in_the_same_session(alice: User, then: str) -> None:
    desk = Desk(alice, (11, 11, 11, 11), (12, 12, 12, 12))
    desk.row = 4
    desk.close(40)
    desk.tick()
    if then == "close":
        desk.close()
    else:
        desk.halt("flatten")
    BrokerAccount.objects.update(reconciled_at=desk.now)
    assert unfinished_work(desk.now) == ("1 order" if then == "close" else "1 halt")
    desk.tick(4)
    assert unfinished_work(desk.now) == ""
    desk.row = 5
    desk.tick()
    assert desk.exits() == [("exit", "filled", 100)]
    assert desk.cash() == (10_000 - PAID + 100 * Decimal("11.988") - 1,) * 2


def test_a_sale_that_was_cancelled_by_hand_leaves_the_lot_with_its_stop(alice: User) -> None:
    desk = Desk(alice, (11, 11, 11, 11), (12, 12, 12, 12))
    desk.row = 4
    (order,) = desk.close()
    desk.tick()
    cancel_order(order, by=alice, wall_now=desk.wall)
    desk.tick(2)
    desk.row = 5
    desk.tick()
    assert (PaperTrade.objects.get().open_quantity, desk.exits()) == (100, [])
    assert Order.objects.get(purpose="stop_loss").state == "accepted"


def test_an_entry_that_waits_for_the_open_is_cancelled(alice: User) -> None:
    store_bars(AAPL=traded(*ROWS))
    account = open_account(alice, 10_000.0).broker_account
    make_two_bar_strategy(alice, "AAPL", next_check_at=CLOSES[2])
    for order_id in tick(account.pk, CLOSES[2], WALL).orders:
        execute_order(order_id, CLOSES[2], WALL)
    halt = request(account, "orders", by="alice", now=CLOSES[2], wall_now=WALL)
    for seconds in (1, 2):
        tick(account.pk, CLOSES[2], WALL + timedelta(seconds=seconds))
    halt.refresh_from_db()
    assert (halt.orders_cancelled, halt.orders_to_cancel, halt.seconds) == (1, 1, 2)
    tick(account.pk, CLOSES[3], WALL)
    assert not PaperTrade.objects.exists()
    assert set(Order.objects.values_list("state", flat=True)) == {"cancelled"}
    lift(account, "RESUME", by="alice", now=CLOSES[3], wall_now=WALL)
    account.refresh_from_db()
    assert not account.entries_stopped
