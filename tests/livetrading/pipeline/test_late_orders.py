"""Orders that are sent late, or not at all: an entry is meant for one bar, an exit for any."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from livetrading.brokers.protocol import OrderRefused, OutcomeUnknown
from livetrading.brokers.simulation.broker import CAPABILITIES
from livetrading.models import Incident, LiveStrategy, Order, OrderState, PaperOrder
from livetrading.models.decision_code import DecisionCode as Code
from livetrading.pipeline import execute as execute_module
from livetrading.pipeline.execute import execute_order, order_request
from livetrading.pipeline.expiry import BROKER_GRACE, expire_entries
from livetrading.pipeline.gate import OPEN, TOO_LATE
from livetrading.pipeline.tick import tick
from livetrading.pipeline.validity import GRACE, in_words
from livetrading.services.accounts import broker_for
from livetrading.summaries.health import trading_findings
from tests.livetrading.factories import make_live_strategy, make_signal
from tests.livetrading.made_bars import CLOSES, OPENS, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, check, open_account
from tests.livetrading.pipeline.scripted_broker import (
    ScriptedBroker,
    connect,
    entry_of,
    exit_of,
    fresh,
    leg_of,
    run_reconcile,
)
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tests.livetrading.second_broker.desk import SecondDesk, second_desk
from tests.livetrading.second_broker.variants import SEPARATE
from tradedesk.accounts.models import User
from tradedesk.monitoring.findings import State
from tradedesk.notifications.events import Event
from tradedesk.notifications.models import Notification

S = OrderState
MINUTE, INSTANT = timedelta(minutes=1), timedelta(microseconds=1)
# During a session: an hour before its close.
MIDDAY = CLOSES[1] - 60 * MINUTE


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> ScriptedBroker:
    return connect(monkeypatch, ScriptedBroker())


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


def send(order: Order, now: datetime) -> Order:
    execute_order(order.pk, now, WALL)
    return fresh(order)


@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize(
    ("timeframe", "made", "until"),
    [
        pytest.param("1Day", CLOSES[1], OPENS[2] + GRACE, id="daily"),
        pytest.param("1Day", CLOSES[4], OPENS[5] + GRACE, id="daily, over a weekend"),
        pytest.param("1Hour", MIDDAY, CLOSES[1], id="hourly"),
        pytest.param("1Hour", CLOSES[1], OPENS[2] + 60 * MINUTE, id="hourly, at the close"),
    ],
)
def test_an_entry_is_sent_until_its_grace_is_over(
    live: LiveStrategy, broker: ScriptedBroker, timeframe: str, made: datetime, until: datetime, stated: bool
) -> None:
    """An entry that states no time is meant for the open after it was made."""
    fields: dict[str, Any] = {"timeframe": timeframe, "created_at": made, "valid_until": until if stated else None}
    entries = [
        entry_of(live, symbol=symbol, state=S.PENDING, stop=None, **fields) for symbol in ("AAPL", "IBM", "MSFT")
    ]
    assert send(entries[0], made).state == S.ACCEPTED
    assert send(entries[1], until).state == S.ACCEPTED
    late = send(entries[2], until + INSTANT)
    assert late.state == S.BLOCKED
    assert late.reason == TOO_LATE
    assert late.reason in Notification.objects.get(user=live.user).text
    assert [(request.symbol, request.valid_until) for request in broker.submitted] == [
        ("AAPL", until),
        ("IBM", until),
    ]


def test_an_entry_that_nobody_sends_expires_by_itself(live: LiveStrategy, broker: ScriptedBroker) -> None:
    """Even when no sender ever comes; its protective exits end with it, and its signal says why."""
    signal = make_signal(live_strategy=live, code=Code.ORDERED)
    until = OPENS[2] + GRACE
    entry = entry_of(live, state=S.PENDING, signal=signal, valid_until=until)
    claimed = entry_of(live, state=S.PENDING, symbol="IBM", valid_until=until, attempts=1, sender="first")
    sale = exit_of(entry_of(live, state=S.FILLED, symbol="MSFT", stop=None), state=S.PENDING)
    expire_entries(until, WALL)
    assert fresh(entry).state == S.PENDING
    expire_entries(until + INSTANT, WALL)
    assert (fresh(entry).state, entry.reason) == (S.BLOCKED, TOO_LATE)
    assert fresh(claimed).state == S.PENDING, "the broker may have it: its sender asks"
    assert fresh(sale).state == S.PENDING, "an exit is good at any time"
    signal.refresh_from_db()
    assert signal.code == Code.EXPIRED
    assert TOO_LATE in Notification.objects.get().text
    tick(live.account_id, until + INSTANT, WALL)
    assert leg_of(entry).state == S.CANCELLED
    assert send(claimed, until + INSTANT).state == S.BLOCKED
    assert broker.submitted == []


def test_an_entry_that_waits_30_sessions_is_never_sent(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its message was lost, and the desk was away; on the replay market the simulation refuses it, too."""
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL")
    store_bars(AAPL=flat(10, 10, 12, *[13] * 40))
    (order_id,) = check(live, CLOSES[2])
    order = Order.objects.get(pk=order_id)
    assert order.valid_until == OPENS[3] + GRACE
    with monkeypatch.context() as patch:
        patch.setattr(execute_module, "gate_before_sending", lambda order, now: OPEN)
        late = order_request(order, CAPABILITIES)
        with pytest.raises(OrderRefused):
            broker_for(order.account, CLOSES[32]).submit(late)
    execute_order(order_id, CLOSES[32], WALL)
    assert fresh(order).state == S.BLOCKED
    assert not PaperOrder.objects.exists()


def test_the_simulation_refuses_an_entry_whose_bar_has_opened(alice: User) -> None:
    """The desk may still send it, and a real broker would fill it; the simulation fills at the opens of bars."""
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL")
    store_bars(AAPL=flat(10, 10, 12, 13, 13))
    (order_id,) = check(live, CLOSES[2])
    execute_order(order_id, OPENS[3] + MINUTE, WALL)
    assert Order.objects.get(pk=order_id).state == S.REJECTED


@pytest.mark.parametrize("timeframe", ["1Day", "1Hour"])
@pytest.mark.parametrize("purpose", ["exit", "stop_loss"])
def test_an_exit_is_sent_however_late(
    live: LiveStrategy, broker: ScriptedBroker, purpose: str, timeframe: str
) -> None:
    entry = entry_of(live, stop=None, state=S.FILLED)
    order = exit_of(entry, purpose=purpose, timeframe=timeframe, created_at=CLOSES[1], state=S.PENDING)
    assert send(order, CLOSES[9]).state == S.ACCEPTED


def test_an_entry_that_the_broker_has_is_not_blocked_when_it_is_late(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    broker.lose_responses = True
    entry = entry_of(live, state=S.PENDING, stop=None)
    assert send(entry, CLOSES[1]).state == S.UNKNOWN
    Order.objects.update(state=S.PENDING)
    assert send(entry, CLOSES[3]).state == S.ACCEPTED
    assert len(broker.submitted) == 1


# --- Not at all ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OutcomeUnknown("timed out"), ValueError("not JSON")])
def test_an_order_that_cannot_be_sent_again_and_again_is_one_incident_until_it_is_accepted(
    live: LiveStrategy, broker: ScriptedBroker, error: Exception
) -> None:
    broker.failing["submit"] = error
    order, other = (entry_of(live, symbol=symbol, state=S.PENDING, stop=None) for symbol in ("AAPL", "IBM"))
    LiveStrategy.objects.update(next_check_at=CLOSES[-1])
    unsent = Incident.objects.filter(kind=Incident.Kind.UNSENT_ORDER)
    for attempt in range(1, 6):
        assert send(order, CLOSES[1]).state == S.UNKNOWN
        assert unsent.count() == Notification.objects.count() == int(attempt >= 3)
        assert ("1 order could not be sent" in trading_findings(WALL)["orders"].text) == (attempt >= 3)
        run_reconcile(live, broker)
        assert fresh(order).state == S.PENDING
    incident = unsent.get()
    assert (incident.key, incident.order, incident.resolved_at) == (order.client_order_id, order, None)
    assert incident.reported_at == CLOSES[1]
    broker.failing = {}
    assert send(other, CLOSES[1]).state == S.ACCEPTED
    incident.refresh_from_db()
    assert incident.resolved_at is None, "another order says nothing about this one"
    assert send(order, CLOSES[1] + MINUTE).state == S.ACCEPTED
    incident.refresh_from_db()
    assert incident.resolved_at == CLOSES[1] + MINUTE
    assert Notification.objects.count() == 1
    assert trading_findings(WALL)["orders"].state == State.OK


# --- At a broker that answers late -----------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [True, False])
def test_the_broker_keeps_to_the_time_of_an_entry(
    alice: User, monkeypatch: pytest.MonkeyPatch, sent: bool
) -> None:
    """It lets one expire that it could not fill in time, and refuses one that it gets later."""
    desk = second_desk(monkeypatch, alice, SEPARATE)
    desk.broker.largest_fill = Decimal(0)
    entry = desk.order_entry()
    request = desk.placed(entry).request
    assert request.valid_until == entry.valid_until == OPENS[3] + GRACE
    desk.set_time(OPENS[3] + GRACE + INSTANT)
    if sent:
        desk.broker.largest_fill = None
        desk.step(2)
        assert (desk.states("entry"), desk.unfinished(), desk.broker.shares) == (["expired"], [], {})
    else:
        with pytest.raises(OrderRefused):
            desk.broker.submit(replace(request, client_order_id="late", exits=()))


def unfilled(monkeypatch: pytest.MonkeyPatch, alice: User, filled: int) -> SecondDesk:
    """A broker that does not let entries expire has filled this many of 100 shares by the end of their time."""
    desk = second_desk(monkeypatch, alice, SEPARATE)
    desk.broker.lets_expire = False
    entry = desk.order_entry()
    desk.broker.largest_fill = Decimal(0)
    desk.open_day(10)
    desk.step()
    if filled:
        desk.broker.fill(entry.client_order_id, filled, 10)
    desk.step(2)
    desk.set_time(OPENS[3] + GRACE + BROKER_GRACE)
    desk.tick()
    assert desk.states("entry") == ["partially_filled" if filled else "accepted"]
    return desk


def test_an_entry_that_is_accepted_and_not_filled_is_cancelled_by_the_desk(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = unfilled(monkeypatch, alice, 0)
    desk.wait(1)
    desk.tick()
    entry = desk.order("entry")
    assert (entry.state, ("cancel", entry.client_order_id) in desk.broker.received) == ("cancel_pending", True)
    desk.step(2)
    entry = desk.order("entry")
    assert (entry.state, entry.reason) == ("cancelled", f"Not filled by {in_words(OPENS[3] + GRACE)}.")
    assert (desk.unfinished(), desk.broker.shares) == ([], {})
    assert list(Notification.objects.filter(event=Event.ORDER_REJECTED).values_list("user", flat=True)) == [
        alice.pk
    ]


def test_of_an_entry_that_is_filled_in_part_the_rest_is_cancelled_and_the_lot_stays_protected(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = unfilled(monkeypatch, alice, 40)
    desk.step(5)
    assert (desk.states("entry"), desk.trade().open_quantity) == (["cancelled"], Decimal(40))
    assert desk.on_sale() == [("limit", Decimal(40), Decimal(12)), ("stop", Decimal(40), Decimal(9))]


def test_a_fill_that_overtakes_the_cancellation_counts(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = unfilled(monkeypatch, alice, 0)
    desk.wait(1)
    desk.tick()
    desk.broker.fill(desk.order("entry").client_order_id, 100, 10)
    desk.step(4)
    assert (desk.states("entry"), desk.trade().open_quantity) == (["filled"], Decimal(100))


def test_an_entry_of_the_simulation_waits_for_its_next_bar(alice: User) -> None:
    open_account(alice, 100_000.0)
    store_bars(AAPL=flat(10, 10, 12))
    live = make_two_bar_strategy(alice, "AAPL")
    for order in check(live, CLOSES[2]):
        execute_order(order, CLOSES[2], WALL)
    tick(live.account_id, CLOSES[4], WALL, checks=False)
    assert Order.objects.get(purpose="entry").state == S.ACCEPTED
