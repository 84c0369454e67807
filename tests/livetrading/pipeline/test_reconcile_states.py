"""Reconciliation of order states: entries, and the protective exits that the broker holds for them."""

import logging
from decimal import Decimal

import pytest

from livetrading.brokers.protocol import BrokerOrder
from livetrading.models import Fill, LiveStrategy, Order, OrderState, PaperPosition, PaperTrade
from livetrading.models.order import TRANSITIONS
from livetrading.pipeline.absence import LOOKS, OVER
from tests.livetrading.factories import make_live_strategy, make_order
from tests.livetrading.made_bars import CLOSES, NOW, TIMES
from tests.livetrading.pipeline.scripted_broker import (
    ScriptedBroker,
    account_now,
    entry_of,
    fresh,
    leg_of,
    run_reconcile,
)
from tradedesk.accounts.models import User

S = OrderState


@pytest.fixture
def broker() -> ScriptedBroker:
    return ScriptedBroker()


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


# --- Protective exits ------------------------------------------------------------------------------------------


def entry_with_protective_exits(live: LiveStrategy, broker: ScriptedBroker) -> tuple[Order, Order, Order]:
    entry = entry_of(live, target=0.2)
    stop, target = leg_of(entry, "stop_loss"), leg_of(entry, "take_profit")
    broker.report_order(stop, stop_price=Decimal(9))
    broker.report_order(target, limit_price=Decimal(12))
    broker.filled(entry, 10)
    run_reconcile(live, broker)
    return entry, fresh(stop), fresh(target)


def test_stop_and_target_wait_for_the_fill_and_are_then_at_the_broker(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    waiting = entry_of(make_live_strategy(user=live.user))
    broker.report_order(waiting)
    _, stop, target = entry_with_protective_exits(live, broker)
    for leg, purpose, price in ((stop, "stop_loss", 9), (target, "take_profit", 12)):
        assert (leg.purpose, leg.side, leg.trigger_price, leg.state) == (purpose, "sell", price, S.ACCEPTED)
        assert (leg.quantity, leg.holder, leg.state_changed_at) == (100, "attached", NOW)
        assert leg.broker_order_id == broker.orders[leg.client_order_id].broker_order_id
    run_reconcile(live, broker)
    assert Order.objects.count() == 5
    assert leg_of(waiting).state == S.WAITING


def test_a_filled_target_closes_the_trade_and_the_stop_is_cancelled(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    _, stop, target = entry_with_protective_exits(live, broker)
    broker.report_order(stop, "cancelled", reason="The lot was closed.")
    broker.filled(target, 12, time=TIMES[2])
    run_reconcile(live, broker, CLOSES[2])
    assert (fresh(target).state, target.filled_price) == (S.FILLED, 12)
    assert (fresh(stop).state, stop.reason) == (S.CANCELLED, "The lot was closed.")
    trade = PaperTrade.objects.get()
    assert (trade.exit_reason, trade.exit_time, trade.pnl) == ("take_profit", TIMES[2], 200)


def test_a_stop_triggered_on_the_entry_bar_is_booked_with_the_entry(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    """The desk sees the stop at the broker for the first time in its fill."""
    entry = entry_of(live)
    broker.filled(entry, 10)
    broker.filled(leg_of(entry), 9)
    run_reconcile(live, broker)
    stop = leg_of(entry)
    assert (stop.state, stop.filled_quantity, stop.stop_price) == (S.FILLED, 100, 9)
    assert PaperTrade.objects.get().exit_reason == "stop_loss"


def test_the_orders_and_fills_of_another_users_entry_are_ignored(
    live: LiveStrategy, bob: User, broker: ScriptedBroker
) -> None:
    bobs = entry_of(make_live_strategy(user=bob))
    broker.filled(bobs, 10)
    broker.report_order(leg_of(bobs), stop_price=Decimal(9))
    run_reconcile(live, broker)
    assert (fresh(bobs).state, leg_of(bobs).state) == (S.ACCEPTED, S.WAITING)
    assert (Fill.objects.count(), PaperTrade.objects.count()) == (0, 0)


def test_a_fill_from_outside_the_desk_is_skipped_and_the_cursor_moves_on(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    outside = make_order(user=live.user)
    broker.report_order(outside, "filled", 10)
    broker.fill(outside, 10, 10)
    outside.delete()
    run_reconcile(live, broker)
    assert (account_now(live).fill_cursor, Fill.objects.count()) == ("1", 0)
    ours = entry_of(live)
    broker.report_order(ours, filled=5)
    broker.fill(ours, 5, 10)
    run_reconcile(live, broker)
    assert [fill.order for fill in Fill.objects.all()] == [ours]
    assert account_now(live).fill_cursor == "2"
    assert PaperPosition.objects.get().quantity == 5


def test_the_broker_is_not_asked_for_the_orders_of_fills_from_outside(
    live: LiveStrategy, bob: User, broker: ScriptedBroker
) -> None:
    """An account with much trading by hand would cost one request for each fill."""
    outside, bobs = make_order(user=live.user), entry_of(make_live_strategy(user=bob))
    for order in (outside, bobs):
        broker.fill(order, 10, 10)
    outside.delete()
    broker.failing["order_by_client_id"] = AssertionError("asked")
    run_reconcile(live, broker)
    assert (account_now(live).fill_cursor, Fill.objects.count()) == ("2", 0)


# --- States ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [S.UNKNOWN, S.ACCEPTED, S.PARTIALLY_FILLED, S.CANCEL_PENDING])
@pytest.mark.parametrize("reported", ["cancelled", "rejected", "expired"])
def test_a_final_state_of_the_broker_is_applied_where_the_transition_is_allowed(
    live: LiveStrategy, broker: ScriptedBroker, source: OrderState, reported: str
) -> None:
    order = entry_of(live, state=source)
    broker.report_order(order, reported, reason="Reason.", broker_order_id="b-1")
    run_reconcile(live, broker)
    if OrderState(reported) in TRANSITIONS[source]:
        assert (fresh(order).state, order.reason, order.broker_order_id) == (reported, "Reason.", "b-1")
    else:
        assert fresh(order).state == source


def test_an_unknown_order_that_the_broker_has_is_accepted(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live, state=S.UNKNOWN)
    broker.report_order(order, broker_order_id="b-1")
    run_reconcile(live, broker)
    assert (fresh(order).state, order.broker_order_id, order.state_changed_at) == (S.ACCEPTED, "b-1", NOW)


def test_an_unknown_order_that_the_broker_has_filled_is_filled(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live, state=S.UNKNOWN)
    broker.report_order(order, "filled", 100)
    broker.fill(order, 100, 10)
    run_reconcile(live, broker)
    assert fresh(order).state == S.FILLED


def test_an_unknown_order_that_the_broker_never_received_is_pending_again(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    order = entry_of(live, state=S.UNKNOWN)
    run_reconcile(live, broker)
    assert fresh(order).state == S.PENDING


@pytest.mark.parametrize("state", [S.ACCEPTED, S.PARTIALLY_FILLED, S.CANCEL_PENDING])
def test_an_order_that_the_broker_no_longer_reports_is_logged_and_keeps_its_state(
    live: LiveStrategy, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture, state: OrderState
) -> None:
    order = entry_of(live, state=state, broker_order_id="b-1")
    with caplog.at_level(logging.ERROR):
        run_reconcile(live, broker)
    assert fresh(order).state == state
    assert order.client_order_id in caplog.text


def test_an_order_cancelled_while_its_outcome_was_unknown_is_cancelled_when_the_broker_never_received_it(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    order = entry_of(live, state=S.CANCEL_PENDING, reason="The lot was closed.")
    assert not run_reconcile(live, broker).changed
    Order.objects.filter(pk=order.pk).update(
        absent_looks=LOOKS - 1, absent_since=NOW - OVER, state_changed_at=NOW - OVER
    )
    assert run_reconcile(live, broker).changed
    assert (fresh(order).state, order.reason) == (S.CANCELLED, "The lot was closed.")


@pytest.mark.parametrize("state", [S.PENDING, S.SUBMITTING])
def test_an_order_that_a_worker_is_sending_is_not_changed(
    live: LiveStrategy, broker: ScriptedBroker, state: OrderState
) -> None:
    order = entry_of(live, state=state)
    run_reconcile(live, broker)
    broker.report_order(order, "rejected")
    run_reconcile(live, broker)
    assert fresh(order).state == state


def test_a_state_that_the_adapter_does_not_know_changes_nothing(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    order = entry_of(live, state=S.UNKNOWN)
    broker.report_order(order, "unknown")
    run_reconcile(live, broker)
    assert fresh(order).state == S.UNKNOWN


def test_each_order_that_is_not_working_is_asked_for_once(
    live: LiveStrategy, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = ScriptedBroker.order_by_client_id

    def ask(self: ScriptedBroker, client_order_id: str) -> BrokerOrder | None:
        asked.append(client_order_id)
        return real(self, client_order_id)

    monkeypatch.setattr(ScriptedBroker, "order_by_client_id", ask)
    order, working = entry_of(live, stop=None), entry_of(live, stop=None)
    broker.report_order(order, "expired", 60)
    broker.report_order(working)
    broker.fill(order, 30, 10)
    broker.fill(order, 30, 10)
    run_reconcile(live, broker)
    assert asked == [order.client_order_id]


def test_the_pages_refresh_only_after_changes(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live)
    broker.report_order(order)
    run_reconcile(live, broker)  # stores the first report of the balance
    assert not run_reconcile(live, broker).changed
    broker.report_order(order, "cancelled")
    assert run_reconcile(live, broker).changed
