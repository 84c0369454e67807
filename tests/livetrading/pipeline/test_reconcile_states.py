"""Reconciliation of order states: entries, and the protective exits that the broker holds for them."""

import logging
from decimal import Decimal

import pytest

from livetrading.models import Fill, LiveStrategy, Order, OrderState, PaperPosition, PaperTrade, Reconciliation
from livetrading.models.order import TRANSITIONS
from livetrading.pipeline import reconcile as reconcile_module
from tests.livetrading.factories import make_live_strategy, make_order
from tests.livetrading.made_bars import CLOSES, NOW, TIMES
from tests.livetrading.pipeline.scripted_broker import (
    ScriptedBroker,
    always,
    entry_of,
    fresh,
    leg_id,
    run_reconcile,
)
from tradedesk.accounts.models import User, UserVersion

S = OrderState


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> ScriptedBroker:
    scripted = ScriptedBroker()
    monkeypatch.setattr(reconcile_module, "broker_for", always(scripted))
    return scripted


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


# --- Protective exits ------------------------------------------------------------------------------------------


def entry_with_protective_exits(live: LiveStrategy, broker: ScriptedBroker) -> tuple[Order, Order, Order]:
    entry = entry_of(live)
    broker.report_order(entry, "filled", 100)
    broker.leg(entry, "stop_loss", 9)
    broker.leg(entry, "take_profit", 12)
    broker.fill(entry, 100, 10)
    run_reconcile(live.user)
    stop, target = Order.objects.filter(opening_order=entry).order_by("purpose")
    return entry, stop, target


def test_stop_and_target_are_recorded_as_exits_of_the_entry(live: LiveStrategy, broker: ScriptedBroker) -> None:
    entry, stop, target = entry_with_protective_exits(live, broker)
    for leg, purpose, price in ((stop, "stop_loss", 9), (target, "take_profit", 12)):
        assert (leg.purpose, leg.side, leg.trigger_price, leg.state) == (purpose, "sell", price, S.ACCEPTED)
        assert (leg.user, leg.live_strategy, leg.mode, leg.symbol) == (live.user, live, "paper", "AAPL")
        assert (leg.quantity, leg.client_order_id) == (100, leg_id(entry, purpose))
        assert (leg.created_at, leg.state_changed_at) == (CLOSES[1], NOW)
    run_reconcile(live.user)
    assert Order.objects.count() == 3


def test_a_filled_target_closes_the_trade_and_the_stop_is_cancelled(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    entry, stop, target = entry_with_protective_exits(live, broker)
    broker.leg(entry, "stop_loss", 9, state="cancelled", reason="The lot was closed.")
    sold = broker.leg(entry, "take_profit", 12, state="filled", filled_quantity=Decimal(100))
    broker.fill(sold, 100, 12, time=TIMES[2])
    run_reconcile(live.user, 2)
    assert (fresh(target).state, target.filled_price) == (S.FILLED, 12)
    assert (fresh(stop).state, stop.reason) == (S.CANCELLED, "The lot was closed.")
    trade = PaperTrade.objects.get()
    assert (trade.exit_reason, trade.exit_time, trade.pnl) == ("take_profit", TIMES[2], 200)


def test_a_stop_triggered_on_the_entry_bar_is_recorded_with_its_fill(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    """The desk sees the stop for the first time in its fill."""
    entry = entry_of(live)
    broker.report_order(entry, "filled", 100)
    leg = broker.leg(entry, "stop_loss", 9, state="filled", filled_quantity=Decimal(100))
    broker.fill(entry, 100, 10)
    broker.fill(leg, 100, 9)
    run_reconcile(live.user)
    stop = Order.objects.get(opening_order=entry)
    assert (stop.state, stop.purpose, stop.filled_quantity) == (S.FILLED, "stop_loss", 100)
    assert PaperTrade.objects.get().exit_reason == "stop_loss"


def test_a_protective_exit_of_another_users_entry_is_ignored(
    live: LiveStrategy, bob: User, broker: ScriptedBroker
) -> None:
    bobs = entry_of(make_live_strategy(user=bob))
    broker.leg(bobs, "stop_loss", 9)
    run_reconcile(live.user)
    assert Order.objects.filter(user=live.user).count() == 0
    assert Order.objects.count() == 1


def test_a_fill_from_outside_the_desk_is_skipped_and_the_cursor_moves_on(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    outside = make_order(user=live.user)
    broker.report_order(outside, "filled", 10)
    broker.fill(outside, 10, 10)
    outside.delete()
    run_reconcile(live.user)
    assert (Reconciliation.objects.get().cursor, Fill.objects.count()) == ("1", 0)
    ours = entry_of(live)
    broker.report_order(ours, filled=5)
    broker.fill(ours, 5, 10)
    run_reconcile(live.user)
    assert [fill.order for fill in Fill.objects.all()] == [ours]
    assert Reconciliation.objects.get().cursor == "2"
    assert PaperPosition.objects.get().quantity == 5


# --- States ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [S.UNKNOWN, S.ACCEPTED, S.PARTIALLY_FILLED, S.CANCEL_PENDING])
@pytest.mark.parametrize("reported", ["cancelled", "rejected", "expired"])
def test_a_final_state_of_the_broker_is_applied_where_the_transition_is_allowed(
    live: LiveStrategy, broker: ScriptedBroker, source: OrderState, reported: str
) -> None:
    order = entry_of(live, state=source)
    broker.report_order(order, reported, reason="Reason.", broker_order_id="b-1")
    run_reconcile(live.user)
    if OrderState(reported) in TRANSITIONS[source]:
        assert (fresh(order).state, order.reason, order.broker_order_id) == (reported, "Reason.", "b-1")
    else:
        assert fresh(order).state == source


def test_an_unknown_order_that_the_broker_has_is_accepted(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live, state=S.UNKNOWN)
    broker.report_order(order, broker_order_id="b-1")
    run_reconcile(live.user)
    assert (fresh(order).state, order.broker_order_id, order.state_changed_at) == (S.ACCEPTED, "b-1", NOW)


def test_an_unknown_order_that_the_broker_has_filled_is_filled(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live, state=S.UNKNOWN)
    broker.report_order(order, "filled", 100)
    broker.fill(order, 100, 10)
    run_reconcile(live.user)
    assert fresh(order).state == S.FILLED


def test_an_unknown_order_that_the_broker_never_received_is_pending_again(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    order = entry_of(live, state=S.UNKNOWN)
    run_reconcile(live.user)
    assert fresh(order).state == S.PENDING


@pytest.mark.parametrize("state", [S.ACCEPTED, S.PARTIALLY_FILLED, S.CANCEL_PENDING])
def test_an_order_that_the_broker_no_longer_reports_is_logged_and_keeps_its_state(
    live: LiveStrategy, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture, state: OrderState
) -> None:
    order = entry_of(live, state=state)
    with caplog.at_level(logging.ERROR):
        run_reconcile(live.user)
    assert fresh(order).state == state
    assert order.client_order_id in caplog.text


@pytest.mark.parametrize("state", [S.PENDING, S.SUBMITTING])
def test_an_order_that_a_worker_is_sending_is_not_changed(
    live: LiveStrategy, broker: ScriptedBroker, state: OrderState
) -> None:
    order = entry_of(live, state=state)
    run_reconcile(live.user)
    broker.report_order(order, "rejected")
    run_reconcile(live.user)
    assert fresh(order).state == state


def test_pages_are_notified_only_of_changes(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live)
    broker.report_order(order)
    run_reconcile(live.user)
    assert not UserVersion.objects.filter(user=live.user).exists()
    assert Reconciliation.objects.get().reconciled_at is None
    broker.report_order(order, "cancelled")
    run_reconcile(live.user)
    assert UserVersion.objects.filter(user=live.user).exists()
    assert Reconciliation.objects.get().reconciled_at == CLOSES[1]
