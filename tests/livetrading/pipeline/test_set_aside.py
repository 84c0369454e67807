"""A fill that cannot be booked at first: while it is set aside nothing is sold twice and nothing is given up, and
after the retry everything is as usual."""

from typing import Any

import pytest

from livetrading.brokers.protocol import Capabilities
from livetrading.models import Incident, LiveStrategy, Order
from livetrading.pipeline import execute, fills, lots
from livetrading.pipeline import tick as tick_module
from livetrading.pipeline.requeue import lost_orders
from tests.livetrading.second_broker.desk import SecondDesk, second_desk
from tests.livetrading.second_broker.variants import GUARDED, REPLACING, SEPARATE, VARIANTS
from tradedesk.accounts.models import User


def fail_to_book(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """The next fills cannot be booked."""
    real, failures = lots.book_fill, iter(range(times))

    def book_fill(*arguments: Any) -> Any:
        if next(failures, None) is not None:
            raise ValueError("The lot could not be read.")
        return real(*arguments)

    monkeypatch.setattr(fills, "book_fill", book_fill)


def work(desk: SecondDesk) -> None:
    """A step of the desk whose books differ from the broker's meanwhile."""
    desk.broker.work()
    desk.wait()
    orders = tick_module.tick(desk.account.pk, desk.now, desk.wall).orders
    for order_id in dict.fromkeys([*orders, *lost_orders(desk.wall)]):
        execute.execute_order(order_id, desk.now, desk.wall)


def protection(desk: SecondDesk) -> set[Order]:
    return {order for purpose in ("stop_loss", "take_profit") for order in desk.orders(purpose)}


def aside(desk: SecondDesk) -> int:
    return desk.account.incidents.filter(kind=Incident.Kind.UNBOOKED_FILL, resolved_at=None).count()


@pytest.mark.parametrize(
    ("capabilities", "sell"),
    [
        pytest.param(GUARDED, False, id="guarded"),
        pytest.param(SEPARATE, False, id="separate"),
        pytest.param(SEPARATE, True, id="separate, and a SELL meanwhile"),
        pytest.param(REPLACING, True, id="replacing, and a SELL meanwhile"),
    ],
)
def test_a_sale_that_cannot_be_booked_is_not_made_a_second_time(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, sell: bool
) -> None:
    """sell: whether the last bar signals an exit, while the strategy is active; else it is stopped. The exit is
    refused: nobody knows what the lot still holds."""
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    desk.close_bar(10, 10.5, 9.5, 10)
    desk.step()
    before = protection(desk)
    if not sell:
        LiveStrategy.objects.update(status="stopped")
    with monkeypatch.context() as patch:
        fail_to_book(patch, 1_000)
        desk.broker.move("W", 8.9)
        desk.close_bar(9.8, 9.8, 8.9, 8.9)
        for _ in range(6):
            work(desk)
        assert (aside(desk), desk.broker.shares["W"]) == (1, 0)
        assert desk.trade().open_quantity == 100
        assert (protection(desk), desk.states("exit")) == (before, [])
        assert [fill.quantity for fill in desk.broker.fills] == [100, 100]
        assert desk.broker.refused == []
    desk.step(3)
    assert (aside(desk), desk.trade().is_open, desk.trade().exit_reason) == (0, False, "stop_loss")
    assert (protection(desk), desk.states("exit"), desk.unfinished()) == (before, [], [])
    assert len(desk.broker.fills) == 2


@pytest.mark.each_value
@pytest.mark.parametrize("failures", [1, 4])
@pytest.mark.parametrize("capabilities", VARIANTS.values(), ids=VARIANTS)
def test_an_entry_that_cannot_be_booked_keeps_its_exits_and_is_protected_afterwards(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, failures: int
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    entry = desk.order_entry()
    exits = set(entry.exits.values_list("pk", flat=True))
    fail_to_book(monkeypatch, failures)
    desk.open_day(10)
    work(desk)
    assert (aside(desk), desk.broker.shares["W"]) == (1, 100)
    for _ in range(failures - 1):
        work(desk)
        assert aside(desk) == 1
    assert set(entry.exits.values_list("pk", flat=True)) == exits
    assert not entry.exits.filter(state__in=("cancelled", "cancel_pending")).exists()
    desk.step(4)
    assert (aside(desk), desk.trade().open_quantity) == (0, 100)
    assert {order.state for order in (desk.order("stop_loss"), desk.order("take_profit"))} <= {
        "accepted",
        "guarded",
    }
    # The books do differ meanwhile.
    assert set(desk.incidents()) - {"position", "cash"} == {"unbooked_fill"}
