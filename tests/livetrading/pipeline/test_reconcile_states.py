"""Taking over from a broker what has become of orders: the entries, and the protective exits it holds for them."""

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
    answers_for,
    entry_of,
    fresh,
    leg_id,
    take_over,
)
from tradedesk.accounts.models import User, UserVersion

S = OrderState


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> ScriptedBroker:
    scripted = ScriptedBroker()
    monkeypatch.setattr(reconcile_module, "broker_for", answers_for(scripted))
    return scripted


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


# --- Protective exits ------------------------------------------------------------------------------------------


def held_with_legs(live: LiveStrategy, broker: ScriptedBroker) -> tuple[Order, Order, Order]:
    entry = entry_of(live)
    broker.knows(entry, "filled", 100)
    broker.leg(entry, "stop_loss", 9)
    broker.leg(entry, "take_profit", 12)
    broker.fill(entry, 100, 10)
    take_over(live.user)
    stop, target = Order.objects.filter(opening_order=entry).order_by("purpose")
    return entry, stop, target


def test_stop_and_target_are_taken_in_under_the_entry(live: LiveStrategy, broker: ScriptedBroker) -> None:
    entry, stop, target = held_with_legs(live, broker)
    for leg, purpose, price in ((stop, "stop_loss", 9), (target, "take_profit", 12)):
        assert (leg.purpose, leg.side, leg.trigger_price, leg.state) == (purpose, "sell", price, S.ACCEPTED)
        assert (leg.user, leg.live_strategy, leg.mode, leg.symbol) == (live.user, live, "paper", "AAPL")
        assert (leg.quantity, leg.client_order_id) == (100, leg_id(entry, purpose))
        assert (leg.created_at, leg.state_changed_at) == (CLOSES[1], NOW)
    take_over(live.user)
    assert Order.objects.count() == 3


def test_when_the_target_is_reached_the_stop_follows_as_cancelled(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    entry, stop, target = held_with_legs(live, broker)
    broker.leg(entry, "stop_loss", 9, state="cancelled", reason="The lot was closed.")
    sold = broker.leg(entry, "take_profit", 12, state="filled", filled_quantity=Decimal(100))
    broker.fill(sold, 100, 12, time=TIMES[2])
    take_over(live.user, 2)
    assert (fresh(target).state, target.filled_price) == (S.FILLED, 12)
    assert (fresh(stop).state, stop.reason) == (S.CANCELLED, "The lot was closed.")
    trade = PaperTrade.objects.get()
    assert (trade.exit_reason, trade.exit_time, trade.pnl) == ("take_profit", TIMES[2], 200)


def test_a_stop_hit_in_the_entry_bar_is_taken_in_with_its_fill(live: LiveStrategy, broker: ScriptedBroker) -> None:
    """It was never seen working: the desk learns of it by its fill."""
    entry = entry_of(live)
    broker.knows(entry, "filled", 100)
    leg = broker.leg(entry, "stop_loss", 9, state="filled", filled_quantity=Decimal(100))
    broker.fill(entry, 100, 10)
    broker.fill(leg, 100, 9)
    take_over(live.user)
    stop = Order.objects.get(opening_order=entry)
    assert (stop.state, stop.purpose, stop.filled_quantity) == (S.FILLED, "stop_loss", 100)
    assert PaperTrade.objects.get().exit_reason == "stop_loss"


def test_a_leg_of_somebody_elses_entry_is_not_ours(live: LiveStrategy, bob: User, broker: ScriptedBroker) -> None:
    bobs = entry_of(make_live_strategy(user=bob))
    broker.leg(bobs, "stop_loss", 9)
    take_over(live.user)
    assert Order.objects.filter(user=live.user).count() == 0
    assert Order.objects.count() == 1


def test_a_fill_from_outside_the_desk_is_passed_over_once(live: LiveStrategy, broker: ScriptedBroker) -> None:
    outside = make_order(user=live.user)
    broker.knows(outside, "filled", 10)
    broker.fill(outside, 10, 10)
    outside.delete()
    take_over(live.user)
    assert (Reconciliation.objects.get().cursor, Fill.objects.count()) == ("1", 0)
    ours = entry_of(live)
    broker.knows(ours, filled=5)
    broker.fill(ours, 5, 10)
    take_over(live.user)
    assert [fill.order for fill in Fill.objects.all()] == [ours]
    assert Reconciliation.objects.get().cursor == "2"
    assert PaperPosition.objects.get().quantity == 5


# --- States ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [S.UNKNOWN, S.ACCEPTED, S.PARTIALLY_FILLED, S.CANCEL_PENDING])
@pytest.mark.parametrize("word", ["cancelled", "rejected", "expired"])
def test_the_brokers_word_for_an_end_is_taken_over_where_it_may(
    live: LiveStrategy, broker: ScriptedBroker, source: OrderState, word: str
) -> None:
    order = entry_of(live, state=source)
    broker.knows(order, word, reason="Because.", broker_order_id="b-1")
    take_over(live.user)
    if OrderState(word) in TRANSITIONS[source]:
        assert (fresh(order).state, order.reason, order.broker_order_id) == (word, "Because.", "b-1")
    else:
        assert fresh(order).state == source


def test_an_unknown_order_that_the_broker_has_is_accepted(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live, state=S.UNKNOWN)
    broker.knows(order, broker_order_id="b-1")
    take_over(live.user)
    assert (fresh(order).state, order.broker_order_id, order.state_changed_at) == (S.ACCEPTED, "b-1", NOW)


def test_an_unknown_order_that_was_filled_meanwhile_is_filled(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live, state=S.UNKNOWN)
    broker.knows(order, "filled", 100)
    broker.fill(order, 100, 10)
    take_over(live.user)
    assert fresh(order).state == S.FILLED


def test_an_unknown_order_that_the_broker_never_saw_waits_to_be_sent_again(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    order = entry_of(live, state=S.UNKNOWN)
    take_over(live.user)
    assert fresh(order).state == S.PENDING


@pytest.mark.parametrize("state", [S.ACCEPTED, S.PARTIALLY_FILLED, S.CANCEL_PENDING])
def test_an_order_the_broker_has_forgotten_is_logged_not_failed(
    live: LiveStrategy, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture, state: OrderState
) -> None:
    order = entry_of(live, state=state)
    with caplog.at_level(logging.ERROR):
        take_over(live.user)
    assert fresh(order).state == state
    assert f"The broker does not know order {order.client_order_id}, which it had accepted." in caplog.text


@pytest.mark.parametrize("state", [S.PENDING, S.SUBMITTING])
def test_an_order_on_its_way_belongs_to_its_worker(
    live: LiveStrategy, broker: ScriptedBroker, state: OrderState
) -> None:
    order = entry_of(live, state=state)
    take_over(live.user)
    broker.knows(order, "rejected")
    take_over(live.user)
    assert fresh(order).state == state


def test_nothing_new_wakes_nobody(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live)
    broker.knows(order)
    take_over(live.user)
    assert not UserVersion.objects.filter(user=live.user).exists()
    assert Reconciliation.objects.get().reconciled_at is None
    broker.knows(order, "cancelled")
    take_over(live.user)
    assert UserVersion.objects.filter(user=live.user).exists()
    assert Reconciliation.objects.get().reconciled_at == CLOSES[1]
