"""Taking over from a broker what is true: fills in parts, the states of orders, protective exits."""

import logging
from decimal import Decimal
from typing import Any

import pytest

from livetrading.models import Fill, LiveStrategy, Order, OrderState, PaperPosition, PaperTrade, Reconciliation
from livetrading.models.order import TRANSITIONS
from livetrading.pipeline import reconcile as reconcile_module
from livetrading.pipeline.reconcile import reconcile
from tests.livetrading.at_once import at_once
from tests.livetrading.factories import make_live_strategy, make_order, make_paper_trade
from tests.livetrading.made_bars import CLOSES, NOW, TIMES
from tests.livetrading.pipeline.scripted_broker import ScriptedBroker, answers_for, leg_id
from tradedesk.accounts.models import Mode, Notification, User, UserVersion

S = OrderState


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> ScriptedBroker:
    scripted = ScriptedBroker()
    monkeypatch.setattr(reconcile_module, "broker_for", answers_for(scripted))
    return scripted


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


def entry_of(live: LiveStrategy, quantity: int = 100, state: str = S.ACCEPTED, **fields: Any) -> Order:
    values = {"quantity": Decimal(quantity), "stop_loss_pct": 0.1, "state": state}
    return make_order(user=live.user, live_strategy=live, **(values | fields))


def exit_of(entry: Order, quantity: int = 100) -> Order:
    return make_order(
        user=entry.user,
        live_strategy=entry.live_strategy,
        side="sell",
        purpose="exit",
        quantity=Decimal(quantity),
        opening_order=entry,
        state=S.ACCEPTED,
    )


def take_over(user: User, day: int = 1) -> None:
    reconcile(user.pk, Mode.PAPER, CLOSES[day], NOW)


def fresh(order: Order) -> Order:
    order.refresh_from_db()
    return order


# --- Fills in parts --------------------------------------------------------------------------------------------


def test_a_partial_fill_and_then_the_rest(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live)
    broker.knows(order, filled=40)
    broker.fill(order, 40, 10, 1)
    take_over(live.user)
    assert fresh(order).state == S.PARTIALLY_FILLED
    assert (order.filled_quantity, order.filled_price) == (40, 10)
    trade = PaperTrade.objects.get()
    assert (trade.quantity, trade.entry_price, trade.stop_price, trade.pnl) == (40, 10, 9, -1)

    broker.knows(order, "filled", 100)
    broker.fill(order, 60, 11, 1, TIMES[2])
    take_over(live.user, 2)
    assert fresh(order).state == S.FILLED
    # (40 x 10 + 60 x 11) / 100
    assert (order.filled_quantity, order.filled_price) == (100, Decimal("10.6"))
    trade.refresh_from_db()
    assert (trade.quantity, trade.entry_price, trade.stop_price) == (100, Decimal("10.6"), Decimal("9.54"))
    assert (trade.entry_time, trade.commission, trade.pnl) == (TIMES[1], 2, -2)
    position = PaperPosition.objects.get()
    assert (position.quantity, position.average_price, position.updated_at) == (100, Decimal("10.6"), CLOSES[2])
    assert Fill.objects.count() == 2


def test_two_fills_that_come_in_one_answer_after_the_order_is_done(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    """The broker says "filled" already while the first of its fills is taken over."""
    order = entry_of(live)
    broker.knows(order, "filled", 100)
    broker.fill(order, 40, 10)
    broker.fill(order, 60, 11)
    take_over(live.user)
    assert (fresh(order).state, order.filled_quantity, order.filled_price) == (S.FILLED, 100, Decimal("10.6"))
    assert PaperTrade.objects.get().quantity == 100


def test_an_order_that_was_cut_is_filled_with_less(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live)
    broker.knows(order, "filled", 70, reason="Cut to what the cash affords.")
    broker.fill(order, 70, 10)
    take_over(live.user)
    assert (fresh(order).state, order.filled_quantity) == (S.FILLED, 70)
    assert order.reason == "Cut to what the cash affords."


def test_a_partial_exit_realizes_its_part_and_the_rest_closes(live: LiveStrategy, broker: ScriptedBroker) -> None:
    entry = entry_of(live)
    broker.knows(entry, "filled", 100)
    broker.fill(entry, 100, 10, 2)
    take_over(live.user)
    leaving = exit_of(entry)
    broker.knows(leaving, filled=30)
    broker.fill(leaving, 30, 12, 1, TIMES[2])
    take_over(live.user, 2)
    trade = PaperTrade.objects.get()
    # 30 x (12 - 10) - 2 - 1
    assert (trade.open_quantity, trade.pnl, trade.is_open) == (70, 57, True)
    assert PaperPosition.objects.get().quantity == 70
    broker.knows(leaving, "filled", 100)
    broker.fill(leaving, 70, 9, 1, TIMES[3])
    take_over(live.user, 3)
    trade.refresh_from_db()
    # ... + 70 x (9 - 10) - 1
    assert (trade.exit_price, trade.pnl, trade.exit_time) == (Decimal("9.9"), -14, TIMES[3])
    assert PaperPosition.objects.count() == 0
    texts = list(Notification.objects.order_by("pk").values_list("text", flat=True))
    assert texts == [
        f"Bought 100 AAPL at $10.00 · {live.name}",
        f"Sold 30 AAPL at $12.00 · partial exit · +$57.00 · {live.name}",
        f"Sold 70 AAPL at $9.00 · manual · -$14.00 · {live.name}",
    ]


def test_an_order_that_ends_half_filled_keeps_what_it_got(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live)
    broker.knows(order, filled=40)
    broker.fill(order, 40, 10)
    take_over(live.user)
    broker.knows(order, "expired", 40, reason="The day is over.")
    take_over(live.user)
    assert (fresh(order).state, order.filled_quantity, order.reason) == (S.EXPIRED, 40, "The day is over.")
    assert PaperTrade.objects.get().is_open


def test_an_order_is_not_closed_before_its_last_fill_is_in(live: LiveStrategy, broker: ScriptedBroker) -> None:
    """Between the question for fills and that for states it was filled in part and cancelled."""
    order = entry_of(live)
    broker.knows(order, "cancelled", 40)
    take_over(live.user)
    assert fresh(order).state == S.ACCEPTED
    broker.fill(order, 40, 10)
    take_over(live.user)
    assert (fresh(order).state, order.filled_quantity) == (S.CANCELLED, 40)
    assert PaperTrade.objects.get().quantity == 40


def test_two_strategies_and_two_users_keep_apart(
    live: LiveStrategy, alice: User, bob: User, broker: ScriptedBroker
) -> None:
    bobs = make_paper_trade(user=bob, live_strategy=make_live_strategy(user=bob))
    PaperPosition.objects.create(user=bob, symbol="AAPL", quantity=10, average_price=30, updated_at=NOW)
    orders = [entry_of(live, 30), entry_of(make_live_strategy(user=alice), 10)]
    for order, price in zip(orders, (10, 14), strict=True):
        broker.knows(order, "filled", order.quantity)
        broker.fill(order, order.quantity, price)
    take_over(alice)
    assert [t.quantity for t in PaperTrade.objects.filter(user=alice).order_by("pk")] == [30, 10]
    position = PaperPosition.objects.get(user=alice)
    # (30 x 10 + 10 x 14) / 40
    assert (position.quantity, position.average_price) == (40, 11)
    assert PaperTrade.objects.get(user=bob) == bobs
    assert PaperPosition.objects.get(user=bob).updated_at == NOW
    assert not UserVersion.objects.filter(user=bob).exists()
    assert not Notification.objects.filter(user=bob).exists()


def test_a_fill_is_known_by_its_activity_in_each_account(
    live: LiveStrategy, bob: User, broker: ScriptedBroker
) -> None:
    """Two accounts may number their fills alike."""
    orders = [entry_of(live), entry_of(make_live_strategy(user=bob))]
    for order in orders:
        broker.fills.clear()
        broker.knows(order, "filled", 100)
        broker.fill(order, 100, 10)
        take_over(order.user)
    assert sorted(Fill.objects.values_list("user", "activity_id")) == [(live.user_id, "1"), (bob.pk, "1")]


# --- Once, and in order ----------------------------------------------------------------------------------------


def test_what_is_reported_again_is_let_in_once(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live)
    broker.knows(order, filled=40)
    broker.fill(order, 40, 10)
    take_over(live.user)
    Reconciliation.objects.update(cursor="")
    before = UserVersion.objects.get(user=live.user).number
    take_over(live.user)
    assert (Fill.objects.count(), fresh(order).filled_quantity) == (1, 40)
    assert PaperTrade.objects.get().quantity == 40
    assert UserVersion.objects.get(user=live.user).number == before


def test_the_cursor_moves_with_each_fill(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live)
    broker.knows(order, filled=40)
    broker.fill(order, 10, 10)
    broker.fill(order, 30, 10)
    take_over(live.user)
    row = Reconciliation.objects.get()
    assert (row.user, row.mode, row.cursor, row.reconciled_at) == (live.user, "paper", "2", CLOSES[1])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_two_workers_at_once_book_each_fill_once_and_in_order(
    live: LiveStrategy, broker: ScriptedBroker, attempt: int
) -> None:
    entry = entry_of(live)
    broker.knows(entry, "filled", 100)
    leg = broker.leg(entry, "stop_loss", 9, state="filled", filled_quantity=Decimal(100))
    for price in (10, 11, 12, 13):
        broker.fill(entry, 25, price, 1)
    # Sold before it was bought this would be an error.
    broker.fill(leg, 100, 9, 1, TIMES[2])
    answers = at_once(lambda: take_over(live.user), lambda: take_over(live.user))
    assert answers == [None, None]
    assert sorted(Fill.objects.values_list("activity_id", flat=True)) == ["1", "2", "3", "4", "5"]
    trade = PaperTrade.objects.get()
    # (10 + 11 + 12 + 13) / 4 = 11.50; 100 x (9 - 11.50) - 5
    assert (trade.quantity, trade.entry_price, trade.pnl, trade.exit_reason) == (
        100,
        Decimal("11.5"),
        -255,
        "stop_loss",
    )
    assert fresh(entry).state == S.FILLED
    assert PaperPosition.objects.count() == 0
    assert Notification.objects.count() == 5


def test_half_a_fill_is_never_booked(
    live: LiveStrategy, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash after the trade was written takes the fill, the order's state and the cursor back with it."""
    order = entry_of(live)
    broker.knows(order, filled=40)
    broker.fill(order, 40, 10)

    def crash(*_: object) -> None:
        assert PaperTrade.objects.count() == 1
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(reconcile_module, "refresh_position", crash)
        with pytest.raises(SystemExit):
            take_over(live.user)
    assert (Fill.objects.count(), PaperTrade.objects.count(), fresh(order).state) == (0, 0, S.ACCEPTED)
    take_over(live.user)
    assert PaperTrade.objects.get().quantity == 40


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
