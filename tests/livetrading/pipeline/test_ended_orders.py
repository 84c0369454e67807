"""Orders that end at the broker by themselves: what is noted, who is told, and what comes after."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from livetrading.brokers.protocol import BrokerOrder, OutcomeUnknown
from livetrading.models import Incident, LiveStrategy, Order, OrderState, PaperTrade
from livetrading.pipeline.tick import tick
from tests.livetrading.factories import make_live_strategy
from tests.livetrading.made_bars import CLOSES, NOW
from tests.livetrading.pipeline.scripted_broker import (
    ScriptedBroker,
    connect,
    entry_of,
    exit_of,
    fresh,
    leg_of,
    run_reconcile,
)
from tests.livetrading.second_broker.desk import second_desk
from tests.livetrading.second_broker.variants import SEPARATE
from tradedesk.accounts.models import User
from tradedesk.notifications.events import Priority
from tradedesk.notifications.models import Notification

S, Kind = OrderState, Incident.Kind


@pytest.fixture
def broker() -> ScriptedBroker:
    return ScriptedBroker()


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


def after(seconds: float) -> tuple[datetime, datetime]:
    """The time at the market and on the wall."""
    return CLOSES[1] + timedelta(seconds=seconds), NOW + timedelta(seconds=seconds)


def missing() -> list[Incident]:
    return list(Incident.objects.filter(kind=Kind.MISSING_ORDER))


# --- The broker no longer has it -------------------------------------------------------------------------------


def test_an_order_that_the_broker_no_longer_has_is_ended_when_that_lasts(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    order = entry_of(live, stop=None)
    for seconds in (0, 5, 9.999):
        run_reconcile(live, broker, *after(seconds))
        assert (fresh(order).state, Notification.objects.count()) == (S.ACCEPTED, 0)
        assert missing() == []
    assert run_reconcile(live, broker, *after(10)).changed
    assert fresh(order).state == S.CANCELLED
    (incident,) = missing()
    assert (incident.key, incident.order) == (order.client_order_id, order)
    assert (incident.reported_at, incident.resolved_at) == (after(10)[0],) * 2
    assert Notification.objects.get().text == incident.text
    run_reconcile(live, broker, *after(30))
    assert (len(missing()), Notification.objects.count()) == (1, 1)


def test_an_order_that_shows_up_again_is_not_reported(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live, stop=None)
    run_reconcile(live, broker, *after(0))
    broker.report_order(order)
    run_reconcile(live, broker, *after(8))
    assert missing() == []
    # The time counts from the next time that it is missing.
    del broker.orders[order.client_order_id]
    for seconds in (12, 17, 21):
        run_reconcile(live, broker, *after(seconds))
    assert (fresh(order).state, Notification.objects.count()) == (S.ACCEPTED, 0)
    run_reconcile(live, broker, *after(22))
    assert (fresh(order).state, Notification.objects.count()) == (S.CANCELLED, 1)


def test_the_exit_of_a_lot_that_the_broker_has_lost_is_made_again(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = second_desk(monkeypatch, alice, SEPARATE)
    desk.hold()
    stop = desk.order("stop_loss")
    lost = stop.client_order_id
    del desk.broker.orders[lost]
    desk.step(2)  # 5 seconds each
    assert (desk.states("stop_loss"), desk.incidents()) == (["accepted"], [])
    desk.step(3)
    assert desk.states("stop_loss") == ["cancelled", "accepted"]
    assert desk.incidents() == ["missing_order"]
    assert Notification.objects.filter(user=alice, priority__gte=Priority.HIGH).count() == 1
    assert ("stop", 100, Decimal(9)) in desk.on_sale()


# --- One that cannot be read -----------------------------------------------------------------------------------


def test_an_order_that_cannot_be_asked_for_does_not_stop_the_states_of_the_others(
    live: LiveStrategy, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [entry_of(live, state=S.UNKNOWN, stop=None) for _ in range(3)]
    for order in orders:
        broker.report_order(order, "expired")
    given_up = [entry_of(live, state=S.BLOCKED, stop=None) for _ in range(2)]
    for order in given_up:
        broker.report_order(order, "working")
    unreadable = {orders[1].client_order_id, given_up[0].client_order_id}
    real = ScriptedBroker.order_by_client_id

    def ask(self: ScriptedBroker, client_order_id: str) -> BrokerOrder | None:
        if client_order_id in unreadable:
            raise OutcomeUnknown("timed out")
        return real(self, client_order_id)

    with monkeypatch.context() as patch:
        patch.setattr(ScriptedBroker, "order_by_client_id", ask)
        assert run_reconcile(live, broker).equity is not None
    assert [fresh(order).state for order in orders] == [S.EXPIRED, S.UNKNOWN, S.EXPIRED]
    assert [fresh(order).state for order in given_up] == [S.BLOCKED, S.CANCEL_PENDING]
    run_reconcile(live, broker)
    assert (fresh(orders[1]).state, fresh(given_up[0]).state) == (S.EXPIRED, S.CANCEL_PENDING)


# --- Who is told -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["", "The day has ended."])
@pytest.mark.parametrize("reported", ["expired", "cancelled", "rejected"])
@pytest.mark.parametrize("purpose", ["entry", "exit"])
def test_the_user_is_told_that_the_broker_ended_an_entry_or_an_exit(
    live: LiveStrategy, broker: ScriptedBroker, purpose: str, reported: str, reason: str
) -> None:
    entry = entry_of(live, stop=None, state=S.ACCEPTED if purpose == "entry" else S.FILLED)
    order = entry if purpose == "entry" else exit_of(entry)
    broker.report_order(order, reported, reason=reason)
    run_reconcile(live, broker)
    run_reconcile(live, broker, *after(30))
    assert fresh(order).state == reported
    told = Notification.objects.get(user=live.user)
    assert (reason or OrderState(reported).label.lower()) in told.text


@pytest.mark.parametrize("reported", ["expired", "cancelled", "rejected"])
@pytest.mark.parametrize("purpose", ["entry", "exit"])
def test_what_the_desk_cancelled_is_no_news(
    live: LiveStrategy, broker: ScriptedBroker, purpose: str, reported: str
) -> None:
    ending: dict[str, Any] = {"state": S.CANCEL_PENDING, "broker_order_id": "b-1"}
    order = entry_of(live, stop=None, **ending) if purpose == "entry" else exit_of(entry_of(live), **ending)
    broker.report_order(order, reported)
    run_reconcile(live, broker)
    assert (fresh(order).state, Notification.objects.count()) == (reported, 0)


@pytest.mark.parametrize("reported", ["expired", "cancelled"])
def test_protective_exits_that_end_with_their_lot_are_no_news(
    live: LiveStrategy, broker: ScriptedBroker, reported: str
) -> None:
    entry = entry_of(live, target=0.2)
    stop, target = leg_of(entry), leg_of(entry, "take_profit")
    broker.report_order(stop)
    broker.report_order(target)
    broker.filled(entry, 10)
    run_reconcile(live, broker)
    broker.filled(target, 12)
    broker.report_order(stop, reported)
    Notification.objects.all().delete()
    run_reconcile(live, broker)
    assert (fresh(stop).state, PaperTrade.objects.get().exit_reason) == (reported, "take_profit")
    assert not Notification.objects.filter(priority__gte=Priority.HIGH).exists()


# --- Long answers ----------------------------------------------------------------------------------------------

LONG = "reason " * 143


@pytest.mark.parametrize("reported", ["rejected", "filled", "cancelled"])
def test_a_long_reason_and_a_long_id_are_stored_cut(
    live: LiveStrategy, broker: ScriptedBroker, reported: str
) -> None:
    """PostgreSQL refuses what is longer than its column."""
    order, next_one = entry_of(live, stop=None), entry_of(live, stop=None, symbol="IBM")
    broker.report_order(order, reported, order.quantity if reported == "filled" else 0, reason=LONG)
    if reported == "filled":
        broker.fill(order, order.quantity, 10)
    broker.filled(next_one, 20)
    run_reconcile(live, broker)
    assert (fresh(order).state, fresh(next_one).state) == (reported, S.FILLED)
    assert order.reason == LONG[:300]
    assert not Incident.objects.filter(kind=Kind.UNBOOKED_FILL).exists()


@pytest.mark.parametrize("error", [OutcomeUnknown(LONG), ValueError(LONG)])
def test_a_long_reason_for_a_failed_tick_is_stored_cut(
    live: LiveStrategy, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    connect(monkeypatch, broker)
    broker.failing["open_orders"] = error
    tick(live.account_id, CLOSES[1], NOW)
    live.account.refresh_from_db()
    assert (live.account.failures, len(live.account.state_reason)) == (1, 300)


def test_orders_of_another_user_are_not_missed(live: LiveStrategy, bob: User, broker: ScriptedBroker) -> None:
    bobs = entry_of(make_live_strategy(user=bob), stop=None)
    for seconds in (0, 20):
        run_reconcile(live, broker, *after(seconds))
    assert (fresh(bobs).state, Order.objects.count(), missing()) == (S.ACCEPTED, 1, [])
