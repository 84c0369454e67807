"""What is asked for while a request is on its way at the broker: it counts when the answer comes."""

from datetime import datetime, timedelta

import pytest

from livetrading.brokers.protocol import BrokerFill, BrokerOrder
from livetrading.models import BrokerAccount, Incident, LiveStrategy, Order, OrderState
from livetrading.models.trade import trades_of
from livetrading.pipeline import tick
from livetrading.pipeline.gate import NOT_ACTIVE
from livetrading.services.control import control
from livetrading.services.deploy import DeployRefused
from livetrading.services.halt import open_lots
from livetrading.services.manual_exits import manual_exit
from livetrading.services.new_version import Changes, deploy_new_version
from tests.livetrading.second_broker.broker import SecondBroker
from tests.livetrading.second_broker.desk import SecondDesk, second_desk
from tests.livetrading.second_broker.variants import SEPARATE
from tradedesk.accounts.models import User

S = OrderState


@pytest.fixture
def desk(alice: User, monkeypatch: pytest.MonkeyPatch) -> SecondDesk:
    return second_desk(monkeypatch, alice, SEPARATE, take_profit_pct=None)


def entry_without_answer(desk: SecondDesk, lost: str) -> None:
    desk.broker.losses = {"submit": [lost]}
    desk.order_entry()
    assert desk.states("entry") == [S.UNKNOWN]


@pytest.mark.parametrize("action", ["stop", "pause"])
def test_an_entry_that_is_found_after_its_strategy_was_stopped_is_cancelled(desk: SecondDesk, action: str) -> None:
    entry_without_answer(desk, "after")
    control(desk.live, action, desk.now, desk.wall)
    desk.tick()
    assert desk.states("entry") == [S.CANCEL_PENDING]
    assert desk.order("entry").reason == NOT_ACTIVE[desk.live.status]
    desk.broker.answer()
    desk.wait()
    desk.tick()
    assert desk.states("entry") == [S.CANCELLED]


def test_no_new_version_is_deployed_while_an_entry_has_no_answer(desk: SecondDesk) -> None:
    entry_without_answer(desk, "after")
    with pytest.raises(DeployRefused):
        deploy_new_version(desk.live, Changes(parameters={"entry": 3}), now=desk.now, wall_now=desk.wall)
    assert LiveStrategy.objects.get().status == LiveStrategy.Status.ACTIVE


def test_an_entry_is_not_sent_again_when_trading_was_stopped_during_the_look_up(
    desk: SecondDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_without_answer(desk, "before")
    desk.tick()
    entry = desk.order("entry")
    assert (entry.state, entry.attempts) == (S.PENDING, 1)
    real = SecondBroker.order_by_client_id

    def stopped_meanwhile(self: SecondBroker, client_order_id: str) -> BrokerOrder | None:
        BrokerAccount.objects.update(entries_stopped_at=desk.now, entries_stopped_reason="Enough.")
        return real(self, client_order_id)

    monkeypatch.setattr(SecondBroker, "order_by_client_id", stopped_meanwhile)
    desk.outbox = [entry.pk]
    desk.send()
    assert desk.states("entry") == [S.BLOCKED]
    assert desk.order("entry").reason.endswith("Enough.")
    assert desk.broker.orders == {}


def test_a_slow_reconcile_leaves_time_for_the_cancellations(
    desk: SecondDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.hold()
    Order.objects.bulk_create([manual_exit(desk.trade(), SEPARATE, now=desk.now, wall_now=desk.wall)])
    wall = desk.wall
    real = SecondBroker.fills_since

    def slow(self: SecondBroker, cursor: str) -> list[BrokerFill]:
        nonlocal wall
        wall += timedelta(seconds=12)
        return real(self, cursor)

    def clock() -> datetime:
        return wall

    monkeypatch.setattr(SecondBroker, "fills_since", slow)
    tick.tick(desk.account.pk, desk.now, desk.wall, clock=clock)
    assert desk.states("stop_loss") == [S.CANCEL_PENDING]
    assert desk.broker.orders[desk.order("stop_loss").client_order_id].cancel_requested


def test_a_lot_whose_purchase_is_not_booked_yet_is_still_to_be_sold(desk: SecondDesk) -> None:
    desk.hold()
    assert open_lots(desk.account) == 1
    entry = desk.order("entry")
    incident = Incident.objects.create(
        account=desk.account,
        kind=Incident.Kind.UNBOOKED_FILL,
        key="1",
        text="",
        order=entry,
        first_seen_at=desk.now,
    )
    assert open_lots(desk.account) == 1  # of a part of that lot
    trades_of(desk.account, desk.account.mode).delete()
    assert open_lots(desk.account) == 1
    incident.resolved_at = desk.now
    incident.save()
    assert open_lots(desk.account) == 0
