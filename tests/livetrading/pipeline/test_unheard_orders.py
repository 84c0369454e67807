"""An order whose answer was lost, and that the broker does not have: its request may still be on its way. Until
that is unlikely, it is cancelled at the broker and not at the desk alone, and nothing else sells its shares."""

from decimal import Decimal

import pytest

from livetrading.brokers.protocol import BrokerOrder, OrderRequest, OutcomeUnknown
from livetrading.models import LiveStrategy, Order, OrderState
from livetrading.models.order import FINAL
from livetrading.pipeline.absence import LOOKS, OVER
from livetrading.services.entries import cancel_entries
from livetrading.services.manual_exits import manual_exit
from livetrading.services.order_cancel import cancel_order
from tests.livetrading.second_broker.broker import SecondBroker
from tests.livetrading.second_broker.desk import SecondDesk, second_desk
from tests.livetrading.second_broker.variants import SEPARATE
from tradedesk.accounts.models import User

S = OrderState


@pytest.fixture
def desk(alice: User, monkeypatch: pytest.MonkeyPatch) -> SecondDesk:
    return second_desk(monkeypatch, alice, SEPARATE, take_profit_pct=None)


def send_without_answer(desk: SecondDesk, monkeypatch: pytest.MonkeyPatch) -> OrderRequest:
    """Send what is to be sent; the request stays on its way. After one look the order is PENDING again."""
    on_the_way: list[OrderRequest] = []

    def submit(self: SecondBroker, request: OrderRequest) -> BrokerOrder:
        on_the_way.append(request)
        raise OutcomeUnknown("The broker did not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(SecondBroker, "submit", submit)
        desk.send()
    desk.tick()
    desk.outbox.clear()
    (request,) = on_the_way
    order = desk.account.orders.get(client_order_id=request.client_order_id)
    assert (order.state, order.attempts) == (S.PENDING, 1)
    return request


def hold_with_stop_on_its_way(desk: SecondDesk, monkeypatch: pytest.MonkeyPatch) -> OrderRequest:
    desk.order_entry()
    desk.open_day(10)
    desk.broker.work()
    desk.broker.work()
    desk.wait()
    desk.tick()
    return send_without_answer(desk, monkeypatch)


def want_exit(desk: SecondDesk) -> None:
    Order.objects.bulk_create([manual_exit(desk.trade(), SEPARATE, now=desk.now, wall_now=desk.wall)])
    desk.tick()


def test_an_exit_waits_for_a_stop_that_may_still_arrive(desk: SecondDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    request = hold_with_stop_on_its_way(desk, monkeypatch)
    want_exit(desk)
    assert (desk.states("stop_loss"), desk.states("exit")) == ([S.CANCEL_PENDING], [S.WAITING])
    desk.broker.submit(request)  # it arrives after all
    desk.step(4)
    assert (desk.states("stop_loss"), desk.states("exit")) == ([S.CANCELLED], [S.FILLED])
    sold = [order.filled for order in desk.broker.orders.values() if order.closes]
    assert sorted(sold) == [0, 100]


def test_an_exit_goes_out_once_the_stop_is_unlikely_to_arrive(
    desk: SecondDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_with_stop_on_its_way(desk, monkeypatch)
    want_exit(desk)
    for _ in range(LOOKS):
        assert desk.states("exit") == [S.WAITING]
        desk.wait(int(OVER.total_seconds() / (LOOKS - 1)))
        desk.tick()
    assert desk.states("stop_loss") == [S.CANCELLED]
    desk.send()
    desk.step(2)
    assert desk.states("exit") == [S.FILLED]
    assert not desk.trade().is_open


@pytest.mark.parametrize("by", ["hand", "strategy"])
def test_an_entry_that_may_still_arrive_is_cancelled_at_the_broker(
    desk: SecondDesk, monkeypatch: pytest.MonkeyPatch, by: str, alice: User
) -> None:
    for price in (10, 10, 11):
        desk.close_bar(price)
    desk.tick()
    request = send_without_answer(desk, monkeypatch)
    if by == "hand":
        cancel_order(desk.order("entry"), by=alice, wall_now=desk.wall)
    else:
        LiveStrategy.objects.filter(pk=desk.live.pk).update(status="paused")
        assert len(cancel_entries(desk.live, "Paused.", desk.wall)) == 1
    assert desk.states("entry") == [S.CANCEL_PENDING]
    desk.broker.submit(request)
    desk.tick()
    desk.broker.answer()
    desk.wait()
    desk.tick()
    assert desk.states("entry") == [S.CANCELLED]
    assert desk.broker.orders[request.client_order_id].filled == 0


@pytest.mark.parametrize(
    ("state", "attempts", "to"),
    [
        (S.WAITING, 0, S.CANCELLED),
        (S.GUARDED, 0, S.CANCELLED),
        (S.PENDING, 0, S.CANCELLED),
        (S.PENDING, 1, S.CANCEL_PENDING),
        (S.SUBMITTING, 1, None),
        (S.UNKNOWN, 1, None),
        (S.ACCEPTED, 1, S.CANCEL_PENDING),
        (S.PARTIALLY_FILLED, 1, S.CANCEL_PENDING),
        (S.CANCEL_PENDING, 1, None),
        *((state, 1, None) for state in FINAL),
    ],
)
def test_where_a_cancellation_leads(state: OrderState, attempts: int, to: OrderState | None) -> None:
    assert Order(state=state, attempts=attempts, quantity=Decimal(1)).cancels_to == to
