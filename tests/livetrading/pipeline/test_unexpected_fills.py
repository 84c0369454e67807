"""Fills that meet an order in any state, and fills that cannot be booked: none stops the next one."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import Sum

from livetrading.models import Fill, Incident, LiveStrategy, Order, OrderState, PaperPosition, PaperTrade
from livetrading.models.order import FINAL, GIVEN_UP
from livetrading.pipeline.exit_retries import has_failed
from livetrading.pipeline.tick import tick
from tests.livetrading.factories import make_live_strategy
from tests.livetrading.made_bars import CLOSES, NOW, TIMES
from tests.livetrading.pipeline.scripted_broker import (
    ScriptedBroker,
    account_now,
    connect,
    entry_of,
    exit_of,
    fresh,
    leg_of,
    run_reconcile,
)
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


def errors_of(live: LiveStrategy) -> list[str]:
    """The texts of the user's error notifications, oldest first."""
    found = Notification.objects.filter(user=live.user, priority__gte=Priority.HIGH).order_by("pk")
    return list(found.values_list("text", flat=True))


# --- The state of the order ------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(OrderState))
def test_a_fill_is_booked_whatever_the_state_of_its_order(
    live: LiveStrategy, broker: ScriptedBroker, state: OrderState
) -> None:
    """Where the order had ended, a person is told; the next fill is booked in any case."""
    entry, next_one = entry_of(live, state=state), entry_of(live, symbol="IBM")
    broker.filled(entry, 10)
    broker.filled(next_one, 20)
    run_reconcile(live, broker)
    assert (fresh(entry).state, entry.filled_quantity) == (S.FILLED, 100)
    assert (fresh(next_one).state, Fill.objects.count()) == (S.FILLED, 2)
    assert [trade.quantity for trade in PaperTrade.objects.all()] == [100, 100]
    assert {p.symbol: p.quantity for p in PaperPosition.objects.all()} == {"AAPL": 100, "IBM": 100}
    assert account_now(live).booked_cash == broker.cash == 97_000
    if state in FINAL:
        incident = Incident.objects.get()
        assert (incident.kind, incident.key, incident.order) == (Kind.UNEXPECTED_FILL, "1", entry)
        assert incident.first_seen_at == incident.reported_at == incident.resolved_at == CLOSES[1]
        assert errors_of(live) == [incident.text]
        assert state.label.lower() in incident.text
    else:
        assert (Incident.objects.count(), errors_of(live)) == (0, [])


@pytest.mark.parametrize(
    ("state", "then"),
    [
        (S.WAITING, S.PARTIALLY_FILLED),
        (S.PENDING, S.PARTIALLY_FILLED),
        (S.SUBMITTING, S.PARTIALLY_FILLED),
        (S.UNKNOWN, S.PARTIALLY_FILLED),
        (S.BLOCKED, S.PARTIALLY_FILLED),
        (S.CANCEL_PENDING, S.CANCEL_PENDING),
        (S.CANCELLED, S.CANCELLED),
        (S.EXPIRED, S.EXPIRED),
        (S.REJECTED, S.REJECTED),
    ],
)
def test_a_partial_fill_reopens_only_an_order_that_the_broker_has(
    live: LiveStrategy, broker: ScriptedBroker, state: OrderState, then: OrderState
) -> None:
    entry = entry_of(live, state=state)
    reported = {S.CANCELLED: "cancelled", S.EXPIRED: "expired", S.REJECTED: "rejected"}.get(state, "working")
    broker.report_order(entry, reported, 40)
    broker.fill(entry, 40, 10)
    run_reconcile(live, broker)
    assert (fresh(entry).state, entry.filled_quantity, entry.filled_price) == (then, 40, 10)
    assert PaperTrade.objects.get().quantity == 40


def test_a_stop_that_fills_after_its_cancellation_closes_the_lot(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    entry = entry_of(live)
    broker.filled(entry, 10)
    run_reconcile(live, broker)
    stop = leg_of(entry)
    Order.objects.filter(pk=stop.pk).update(state=S.CANCELLED)
    broker.filled(stop, 9)
    run_reconcile(live, broker)
    assert PaperTrade.objects.get().exit_reason == "stop_loss"
    assert (fresh(stop).state, Incident.objects.get().kind) == (S.FILLED, Kind.UNEXPECTED_FILL)


# --- Fills that cannot be booked -------------------------------------------------------------------------------


def test_a_sale_of_more_than_the_lot_has_is_set_aside_and_the_next_fill_is_booked(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    entry, other = entry_of(live), entry_of(live, symbol="IBM")
    broker.report_order(entry, filled=40)
    broker.fill(entry, 40, 10)
    leaving = exit_of(entry, 60)
    broker.report_order(leaving, "filled", 60)
    broker.fill(leaving, 60, 11, 1, TIMES[2])
    broker.filled(other, 20)
    run_reconcile(live, broker)

    assert list(Fill.objects.values_list("activity_id", flat=True)) == ["1", "3"]
    assert account_now(live).fill_cursor == "3"
    assert (fresh(other).state, fresh(leaving).state, leaving.filled_quantity) == (S.FILLED, S.FILLED, 0)
    assert PaperTrade.objects.get(symbol="AAPL").open_quantity == 40
    incident = Incident.objects.get(kind=Kind.UNBOOKED_FILL)
    assert (incident.key, incident.order, incident.attempts) == ("2", leaving, 0)
    assert (incident.reported_at, incident.resolved_at) == (CLOSES[1], None)
    assert errors_of(live) == [incident.text]
    assert "sold from a lot with 40 shares" in incident.text


def test_a_fill_that_was_set_aside_is_tried_again_at_every_reconciliation_until_it_can_be_booked(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    """The sale is reported before the purchase of its lot."""
    entry = entry_of(live)
    broker.report_order(entry)
    stop = leg_of(entry)
    broker.filled(stop, 9, commission="0.50", time=TIMES[2])
    run_reconcile(live, broker)
    incident = Incident.objects.get(kind=Kind.UNBOOKED_FILL)
    assert "never opened" in incident.text
    for attempt in (1, 2):
        run_reconcile(live, broker)
        incident.refresh_from_db()
        assert (incident.attempts, incident.resolved_at) == (attempt, None)
    assert len(errors_of(live)) == 1, "reported once"

    broker.filled(entry, 10)
    run_reconcile(live, broker)  # the purchase is booked after the attempt of this reconciliation
    incident.refresh_from_db()
    assert incident.resolved_at is None
    assert run_reconcile(live, broker, CLOSES[2]).changed
    incident.refresh_from_db()
    assert incident.resolved_at == CLOSES[2]
    trade = PaperTrade.objects.get()
    # 100 x (9 - 10) - 0.50
    assert (trade.is_open, trade.exit_time, trade.pnl) == (False, TIMES[2], Decimal("-100.5"))
    assert (fresh(stop).state, stop.filled_quantity) == (S.FILLED, 100)
    fill = Fill.objects.get(order=stop)
    assert (fill.activity_id, fill.price, fill.commission, fill.time) == ("1", 9, Decimal("0.5"), TIMES[2])
    assert account_now(live).booked_cash == broker.cash
    assert not PaperPosition.objects.exists()
    assert account_now(live).fill_cursor == "2", "a second attempt does not move the cursor back"
    run_reconcile(live, broker, CLOSES[2])
    assert Fill.objects.aggregate(total=Sum("quantity"))["total"] == 200, "booked once"


def test_a_set_aside_fill_keeps_its_nine_decimals(live: LiveStrategy, broker: ScriptedBroker) -> None:
    entry = entry_of(live, "1.123456789")
    broker.filled(leg_of(entry), "9.000001")
    run_reconcile(live, broker)
    broker.filled(entry, 10)
    run_reconcile(live, broker)
    run_reconcile(live, broker)
    stored = Fill.objects.get(order=leg_of(entry))
    assert (stored.quantity, stored.price) == (Decimal("1.123456789"), Decimal("9.000001"))


def test_an_open_incident_of_another_account_is_not_tried(
    live: LiveStrategy, bob: User, broker: ScriptedBroker
) -> None:
    bobs = make_live_strategy(user=bob)
    at_bobs = ScriptedBroker()
    at_bobs.filled(leg_of(entry_of(bobs)), 9)
    run_reconcile(bobs, at_bobs)
    run_reconcile(live, broker)
    assert Incident.objects.get(kind=Kind.UNBOOKED_FILL).attempts == 0
    assert not Notification.objects.filter(user=live.user).exists()


# --- Orders that the broker has after all ----------------------------------------------------------------------


@pytest.mark.parametrize("state", GIVEN_UP)
def test_an_order_that_we_had_ended_and_the_broker_has_is_cancelled_there(
    live: LiveStrategy, broker: ScriptedBroker, state: OrderState
) -> None:
    order = entry_of(live, state=state)
    broker.report_order(order)
    assert run_reconcile(live, broker).changed
    assert fresh(order).state == S.CANCEL_PENDING
    incident = Incident.objects.get()
    assert (incident.kind, incident.key, incident.order) == (Kind.UNEXPECTED_ORDER, order.client_order_id, order)
    assert incident.resolved_at == CLOSES[1]
    assert errors_of(live) == [incident.text]
    run_reconcile(live, broker, CLOSES[1] + timedelta(minutes=1))
    assert (fresh(order).state, Incident.objects.count()) == (S.CANCEL_PENDING, 1), "reported once"


def test_a_tick_cancels_at_the_broker_what_we_had_ended(
    live: LiveStrategy, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, broker)
    LiveStrategy.objects.update(status="paused")
    order = entry_of(live, state=S.BLOCKED)
    broker.report_order(order)
    tick(live.account_id, CLOSES[1], NOW)
    assert (broker.cancelled, fresh(order).state) == ([order.client_order_id], S.CANCEL_PENDING)
    tick(live.account_id, CLOSES[1], NOW)
    assert (fresh(order).state, order.reason) == (S.CANCELLED, "Cancelled on request.")


@pytest.mark.parametrize("by_broker", [True, False])
def test_an_exit_that_the_broker_had_after_all_is_made_again_when_it_was_to_be(
    live: LiveStrategy, broker: ScriptedBroker, by_broker: bool
) -> None:
    """The desk cancels it there, and that is no wish of anybody not to sell; the failure was told before."""
    entry = entry_of(live, state=S.FILLED)
    sale = exit_of(entry, state=S.REJECTED if by_broker else S.CANCELLED, ended_by_broker=by_broker)
    broker.report_order(sale)
    run_reconcile(live, broker)
    assert fresh(sale).state == S.CANCEL_PENDING
    told = Notification.objects.count()
    broker.report_order(sale, "cancelled")
    run_reconcile(live, broker)
    assert (fresh(sale).state, has_failed(sale)) == (S.CANCELLED, by_broker)
    assert Notification.objects.count() == told


def test_orders_from_outside_the_desk_stay_at_the_broker(live: LiveStrategy, broker: ScriptedBroker) -> None:
    broker.report_order(entry_of(live), client_order_id="by-hand")
    run_reconcile(live, broker)
    assert (Incident.objects.exclude(reported_at=None).count(), broker.cancelled) == (0, [])
