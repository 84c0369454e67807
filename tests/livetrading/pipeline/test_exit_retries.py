"""Exits that fail are made again until the lot is sold, with an alarm as long as it is not."""

from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from livetrading.brokers.protocol import Capabilities
from livetrading.brokers.simulation.broker import CAPABILITIES as SIMULATION
from livetrading.models import Incident, LiveStrategy, Order, OrderState, SignalHistory
from livetrading.models.decision_code import DecisionCode as Code
from livetrading.pipeline.exit_retries import PAUSES, has_failed, is_due, next_try
from livetrading.pipeline.plan import plan
from livetrading.pipeline.protect import read_lots
from livetrading.services.closing import close_position
from livetrading.services.manual_exits import manual_exit
from livetrading.services.order_cancel import BY_HAND, cancel_order
from tests.livetrading.factories import WALL, make_live_strategy, make_paper_trade
from tests.livetrading.made_bars import CLOSES, NOW
from tests.livetrading.pipeline.scripted_broker import (
    ScriptedBroker,
    connect,
    entry_of,
    exit_of,
    fresh,
    run_reconcile,
)
from tests.livetrading.pipeline.test_plan import entry, leg, lot, market, part, sale
from tests.livetrading.second_broker.desk import SecondDesk, second_desk
from tests.livetrading.second_broker.variants import SEPARATE, VARIANTS
from tradedesk.accounts.models import User
from tradedesk.notifications.events import Priority
from tradedesk.notifications.models import Notification

S = OrderState
SECOND = timedelta(seconds=1)
ALL = [pytest.param(capabilities, id=name) for name, capabilities in VARIANTS.items()]


# --- The policy, pure ------------------------------------------------------------------------------------------


def test_an_exit_that_was_not_sent_has_failed() -> None:
    assert has_failed(sale(entry(), S.BLOCKED))
    assert not any(has_failed(sale(entry(), state)) for state in (S.FILLED, S.ACCEPTED, S.WAITING))


@pytest.mark.parametrize("state", [S.REJECTED, S.EXPIRED, S.CANCELLED])
def test_an_exit_that_was_cancelled_on_request_has_not_failed_however_it_ends(state: OrderState) -> None:
    ended = sale(entry(), state)
    assert not has_failed(ended)
    ended.ended_by_broker = True
    assert has_failed(ended)


@pytest.mark.parametrize(("tries", "pause"), [*enumerate(PAUSES, 1), (50, PAUSES[-1])])
def test_the_pauses_grow_up_to_the_last_one(tries: int, pause: timedelta) -> None:
    failed = sale(entry(), S.REJECTED)
    failed.tries, failed.state_changed_at = tries, NOW
    assert is_due(failed, NOW + pause)
    assert not is_due(failed, NOW + pause - SECOND)
    assert list(PAUSES) == sorted(PAUSES)


@pytest.mark.parametrize("capabilities", [*VARIANTS.values(), SIMULATION])
def test_a_failed_exit_is_made_again_and_takes_over_its_signal(capabilities: Capabilities) -> None:
    held = lot(sold=30)
    failed = sale(held.entry, S.REJECTED)
    failed.state_changed_at, failed.signal_id, held.failed = NOW, 7, failed
    made = plan([held], market(capabilities))
    (again,) = [order for order in made.new if order.purpose == "exit"]
    assert (again.quantity, again.tries, again.signal_id, again.opening_order) == (70, 2, 7, held.entry)
    assert again.state == (S.PENDING if capabilities is SIMULATION else S.WAITING)
    assert (failed, {"signal": None}) in made.updates


def test_until_it_is_due_the_lot_is_protected() -> None:
    held = lot()
    failed = sale(held.entry, S.REJECTED)
    failed.state_changed_at, failed.tries, held.failed = NOW, 2, failed
    (made,) = plan([held], market(SEPARATE)).new
    assert made.purpose == "stop_loss"


def test_nothing_is_made_again_while_the_lot_is_being_sold() -> None:
    opening = entry()
    for selling in (sale(opening, S.ACCEPTED), leg(opening, state=S.PENDING, type="market")):
        held = lot(selling)
        failed = sale(opening, S.REJECTED)
        failed.state_changed_at, held.failed = NOW, failed
        assert not [order for order in plan([held], market(SEPARATE)).new if order.purpose == "exit"]


def test_a_part_of_a_lot_stays_a_part() -> None:
    held = lot()
    failed = part(held.entry, 40, S.EXPIRED)
    failed.filled_quantity, failed.state_changed_at = 10, NOW
    again = next_try(failed, held.trade, SEPARATE, waits=False, now=CLOSES[2], wall_now=NOW)  # type: ignore[arg-type]
    assert (again.quantity, again.partial) == (30, True)


# --- At a broker -----------------------------------------------------------------------------------------------


def failing(desk: SecondDesk, how: str) -> None:
    """From now on, market sales fail."""
    desk.broker.largest_fill = Decimal(0) if how == "expired" else None
    desk.broker.reject_next = ["market"] * 100 if how == "rejected" else []


def mend(desk: SecondDesk) -> None:
    desk.broker.reject_next, desk.broker.largest_fill = [], None


def alarms(desk: SecondDesk) -> list[Incident]:
    return list(desk.account.incidents.filter(kind=Incident.Kind.FAILED_EXIT, resolved_at=None))


@pytest.mark.each_value
@pytest.mark.parametrize("capabilities", ALL)
@pytest.mark.parametrize("how", ["rejected", "expired"])
@pytest.mark.parametrize("by_hand", [False, True], ids=["signal", "by hand"])
def test_a_sale_that_fails_is_tried_until_it_is_through(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, how: str, by_hand: bool
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    before = desk.on_sale()
    failing(desk, how)
    if by_hand:
        manual_exit(desk.trade(), capabilities, now=desk.now, wall_now=desk.wall).save()
        desk.tick()
    else:
        desk.signal_exit()
    LiveStrategy.objects.update(status="paused")  # no further signals
    for _ in range(4):
        desk.step()
        if how == "expired":
            desk.broker.end_day()
    desk.step(3)
    # The first try and the immediate second one have failed; until the third one the lot is protected as before.
    tries = [order.tries for order in desk.orders("exit")]
    assert tries[-1] >= 2
    assert desk.on_sale() == before
    (alarm,) = alarms(desk)
    assert alarm.reported_at is not None
    urgent = Notification.objects.filter(priority=Priority.CRITICAL)
    assert urgent.count() == 1, "one alarm, however often it is tried"
    mend(desk)
    desk.wait(int(PAUSES[-1].total_seconds()))
    desk.step(6)
    assert (desk.trade().is_open, desk.broker.shares["W"], desk.unfinished()) == (False, 0, [])
    assert desk.trade().exit_reason == ("manual" if by_hand else "signal")
    assert alarms(desk) == []
    assert desk.order("exit").state == S.FILLED
    signals = SignalHistory.objects.filter(side="sell", order__isnull=False)
    assert set(signals.values_list("code", "order__state")) == (set() if by_hand else {(Code.ORDERED, "filled")})


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> ScriptedBroker:
    return connect(monkeypatch, ScriptedBroker())


@pytest.mark.parametrize("lost", [False, True])
def test_what_the_broker_ends_by_itself_counts_as_failed(
    live: LiveStrategy, broker: ScriptedBroker, lost: bool
) -> None:
    order = held_exit(live, broker)
    if not lost:
        broker.report_order(order, "cancelled")
    for look in range(3):
        run_reconcile(live, broker, wall_now=WALL + 6 * look * SECOND)
    assert (fresh(order).state, order.ended_by_broker) == (S.CANCELLED, True)
    assert Incident.objects.filter(kind=Incident.Kind.FAILED_EXIT).count() == 1


@pytest.mark.parametrize("reported", ["cancelled", "expired", "rejected"])
def test_what_was_cancelled_on_request_is_not_tried_again(
    live: LiveStrategy, broker: ScriptedBroker, reported: str
) -> None:
    order = held_exit(live, broker)
    Order.objects.filter(pk=order.pk).update(state=S.CANCEL_PENDING)
    broker.report_order(order, reported)
    run_reconcile(live, broker)
    assert (fresh(order).state, order.ended_by_broker) == (reported, False)
    assert not Incident.objects.exists()


@pytest.mark.parametrize("capabilities", ALL)
def test_a_sale_that_was_cancelled_before_it_expired_is_not_made_again(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    before = desk.on_sale()
    desk.broker.largest_fill = Decimal(0)
    close_position(desk.account, "W", None, by=alice, now=desk.now, wall_now=desk.wall)
    desk.step(3)
    cancel_order(desk.order("exit"), by=alice, wall_now=desk.wall)
    desk.broker.end_day()
    desk.broker.largest_fill = None
    desk.step(4)
    assert (desk.states("exit"), desk.trade().open_quantity, alarms(desk)) == ([S.EXPIRED], 100, [])
    assert desk.on_sale() == before


def test_the_exits_that_ended_before_are_told_apart_by_their_reason(live: LiveStrategy) -> None:
    opening = entry_of(live, stop=None)
    failed = [exit_of(opening, state=state) for state in (S.EXPIRED, S.REJECTED)]
    others = [exit_of(opening, state=S.EXPIRED, reason=BY_HAND), exit_of(opening, state=S.CANCELLED)]
    import_module("livetrading.migrations.0005_ended_by_broker").mark(apps, None)
    assert [fresh(order).ended_by_broker for order in (*failed, *others)] == [True, True, False, False]


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


def held_exit(live: LiveStrategy, broker: ScriptedBroker) -> Order:
    """A working exit of a lot that is held."""
    opening = entry_of(live, stop=None)
    broker.filled(opening, 10)
    run_reconcile(live, broker)
    return exit_of(opening)


@pytest.mark.parametrize("capabilities", ALL)
def test_a_sale_that_is_refused_once_is_made_again_without_a_pause(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    """Such as over shares that the broker still counts as held by a stop."""
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    desk.broker.sales_to_refuse = 1
    manual_exit(desk.trade(), capabilities, now=desk.now, wall_now=desk.wall).save()
    desk.tick()
    desk.step(5)
    assert (desk.trade().is_open, desk.states("exit"), alarms(desk)) == (False, [S.REJECTED, S.FILLED], [])


@pytest.mark.parametrize("capabilities", ALL)
def test_a_sale_of_a_part_by_hand_does_not_end_the_tries_to_sell_the_lot(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    failing(desk, "rejected")
    desk.signal_exit()
    LiveStrategy.objects.update(status="paused")  # no further signals
    desk.step(5)
    mend(desk)
    close_position(desk.account, "W", Decimal(10), by=alice, now=desk.now, wall_now=desk.wall)
    desk.step(5)  # one exit is replaced after the other
    assert (desk.trade().open_quantity, len(alarms(desk))) == (90, 1)
    desk.wait(int(PAUSES[-1].total_seconds()))
    desk.step(5)
    assert (desk.trade().is_open, desk.unfinished(), alarms(desk)) == (False, [], [])


def test_the_newest_exit_of_the_whole_lot_says_whether_it_is_sold_again(alice: User) -> None:
    live = make_live_strategy(user=alice)
    trade = make_paper_trade(user=alice, live_strategy=live)
    entry_ = trade.opening_order

    def made_again() -> Order | None:
        (held,) = read_lots(live.account)
        return held.failed

    assert made_again() is None
    failed: dict[str, Any] = {"state": S.REJECTED, "ended_by_broker": True}
    whole = exit_of(entry_, 10, **failed, created_at=CLOSES[0])
    part = exit_of(entry_, 1, state=S.FILLED, partial=True, created_at=CLOSES[1])
    assert made_again() == whole
    Order.objects.filter(pk=part.pk).update(**failed)
    assert made_again() == whole, "it sells the part too"
    exit_of(entry_, 10, state=S.CANCELLED, created_at=CLOSES[2])
    assert made_again() is None
    part = exit_of(entry_, 1, **failed, partial=True, created_at=CLOSES[3])
    assert made_again() == part
    # One that waits for its price is another matter.
    waiting: dict[str, Any] = {"type": "limit", "limit_price": 40, "partial": True}
    exit_of(entry_, 1, state=S.ACCEPTED, **waiting, created_at=CLOSES[4])
    exit_of(entry_, 1, state=S.CANCELLED, **waiting, created_at=CLOSES[4])
    assert made_again() == part
