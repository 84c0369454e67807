"""Reconciliation of fills: partial fills, each booked once, in order, and completely or not at all."""

from decimal import Decimal

import pytest

from livetrading.brokers.protocol import OutcomeUnknown
from livetrading.models import BrokerAccount, Fill, Incident, LiveStrategy, OrderState, PaperPosition, PaperTrade
from livetrading.pipeline import lots
from tests.livetrading.at_once import at_once
from tests.livetrading.factories import account_of, make_live_strategy, make_paper_trade
from tests.livetrading.made_bars import CLOSES, TIMES
from tests.livetrading.pipeline.scripted_broker import (
    ScriptedBroker,
    account_now,
    entry_of,
    exit_of,
    fresh,
    leg_of,
    run_reconcile,
)
from tradedesk.accounts.models import User
from tradedesk.notifications.events import Priority
from tradedesk.notifications.models import Notification

S = OrderState


@pytest.fixture
def broker() -> ScriptedBroker:
    return ScriptedBroker()


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


# --- Partial fills ----------------------------------------------------------------------------------------------


def test_a_partial_fill_followed_by_the_rest(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live)
    broker.report_order(order, filled=40)
    broker.fill(order, 40, 10, 1)
    run_reconcile(live, broker)
    assert fresh(order).state == S.PARTIALLY_FILLED
    assert (order.filled_quantity, order.filled_price) == (40, 10)
    trade = PaperTrade.objects.get()
    assert (trade.quantity, trade.entry_price, trade.stop_price, trade.pnl) == (40, 10, 9, -1)

    broker.report_order(order, "filled", 100)
    broker.fill(order, 60, 11, 1, TIMES[2])
    run_reconcile(live, broker, CLOSES[2])
    assert fresh(order).state == S.FILLED
    # (40 x 10 + 60 x 11) / 100
    assert (order.filled_quantity, order.filled_price) == (100, Decimal("10.6"))
    trade.refresh_from_db()
    assert (trade.quantity, trade.entry_price, trade.stop_price) == (100, Decimal("10.6"), Decimal("9.54"))
    assert (trade.entry_time, trade.commission, trade.pnl) == (TIMES[1], 2, -2)
    position = PaperPosition.objects.get()
    assert (position.quantity, position.average_price, position.updated_at) == (100, Decimal("10.6"), CLOSES[2])
    assert Fill.objects.count() == 2


def test_two_fills_of_an_order_that_is_already_filled_at_the_broker(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    """The broker already reports "filled" when the first fill is booked."""
    order = entry_of(live)
    broker.report_order(order, "filled", 100)
    broker.fill(order, 40, 10)
    broker.fill(order, 60, 11)
    run_reconcile(live, broker)
    assert (fresh(order).state, order.filled_quantity, order.filled_price) == (S.FILLED, 100, Decimal("10.6"))
    assert PaperTrade.objects.get().quantity == 100


def test_a_reduced_order_is_filled_with_the_smaller_quantity(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live)
    broker.report_order(order, "filled", 70, reason="Reduced.")
    broker.fill(order, 70, 10)
    run_reconcile(live, broker)
    assert (fresh(order).state, order.filled_quantity) == (S.FILLED, 70)
    assert order.reason == "Reduced."


@pytest.mark.parametrize("broker_reports_order", [True, False])
def test_an_order_is_filled_when_its_fills_add_up_whatever_state_the_broker_reports(
    live: LiveStrategy, broker: ScriptedBroker, broker_reports_order: bool
) -> None:
    order = entry_of(live)
    if broker_reports_order:
        broker.report_order(order, "working", 40)
    broker.fill(order, 40, 10)
    broker.fill(order, 60, 11)
    run_reconcile(live, broker)
    assert (fresh(order).state, order.filled_quantity) == (S.FILLED, 100)


def test_a_partial_exit_realizes_its_part_and_the_rest_closes_the_trade(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    entry = entry_of(live)
    broker.report_order(entry, "filled", 100)
    broker.fill(entry, 100, 10, 2)
    run_reconcile(live, broker)
    leaving = exit_of(entry)
    broker.report_order(leaving, filled=30)
    broker.fill(leaving, 30, 12, 1, TIMES[2])
    run_reconcile(live, broker, CLOSES[2])
    trade = PaperTrade.objects.get()
    # 30 x (12 - 10) - 2 - 1
    assert (trade.open_quantity, trade.pnl, trade.is_open) == (70, 57, True)
    assert PaperPosition.objects.get().quantity == 70
    broker.report_order(leaving, "filled", 100)
    broker.fill(leaving, 70, 9, 1, TIMES[3])
    run_reconcile(live, broker, CLOSES[3])
    trade.refresh_from_db()
    # ... + 70 x (9 - 10) - 1
    assert (trade.exit_price, trade.pnl, trade.exit_time) == (Decimal("9.9"), -14, TIMES[3])
    assert PaperPosition.objects.count() == 0
    notifications = list(Notification.objects.order_by("pk"))
    assert [notification.priority for notification in notifications] == [Priority.NORMAL] * 3
    for notification, figures in zip(
        notifications, ("100 AAPL at $10.00", "30 AAPL at $12.00", "70 AAPL at $9.00"), strict=True
    ):
        assert figures in notification.text


def test_an_expired_order_keeps_its_partial_fill(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live)
    broker.report_order(order, filled=40)
    broker.fill(order, 40, 10)
    run_reconcile(live, broker)
    broker.report_order(order, "expired", 40, reason="The day is over.")
    run_reconcile(live, broker)
    assert (fresh(order).state, order.filled_quantity, order.reason) == (S.EXPIRED, 40, "The day is over.")
    assert PaperTrade.objects.get().is_open


def test_an_order_is_not_finished_before_its_last_fill_is_booked(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    """The order was partially filled and cancelled between the requests for fills and for states."""
    order = entry_of(live)
    broker.report_order(order, "cancelled", 40)
    run_reconcile(live, broker)
    assert fresh(order).state == S.ACCEPTED
    broker.fill(order, 40, 10)
    run_reconcile(live, broker)
    assert (fresh(order).state, order.filled_quantity) == (S.CANCELLED, 40)
    assert PaperTrade.objects.get().quantity == 40


def test_two_strategies_and_two_users_have_separate_records(
    live: LiveStrategy, alice: User, bob: User, broker: ScriptedBroker
) -> None:
    bobs = make_paper_trade(user=bob, live_strategy=make_live_strategy(user=bob))
    untouched = PaperPosition.objects.get(account__user=bob)
    orders = [entry_of(live, 30), entry_of(make_live_strategy(user=alice), 10)]
    for order, price in zip(orders, (10, 14), strict=True):
        broker.filled(order, price)
    run_reconcile(live, broker)
    assert [t.quantity for t in PaperTrade.objects.filter(user=alice).order_by("pk")] == [30, 10]
    position = PaperPosition.objects.get(account__user=alice)
    # (30 x 10 + 10 x 14) / 40
    assert (position.quantity, position.average_price) == (40, 11)
    assert PaperTrade.objects.get(user=bob) == bobs
    assert PaperPosition.objects.get(account__user=bob).updated_at == untouched.updated_at
    assert not Notification.objects.filter(user=bob).exists()
    assert account_of(bob).booked_cash == 100_000


def test_activity_ids_are_unique_within_an_account(live: LiveStrategy, bob: User) -> None:
    """Two accounts can have the same activity ids."""
    other = make_live_strategy(user=bob)
    for each in (live, other):
        broker = ScriptedBroker()
        broker.filled(entry_of(each), 10)
        run_reconcile(each, broker)
    assert sorted(Fill.objects.values_list("account", "activity_id")) == [
        (live.account_id, "1"),
        (other.account_id, "1"),
    ]


# --- Once, and in order ----------------------------------------------------------------------------------------


def test_a_fill_that_is_reported_again_is_booked_once(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live)
    broker.report_order(order, filled=40)
    broker.fill(order, 40, 10)
    assert run_reconcile(live, broker).changed
    BrokerAccount.objects.update(fill_cursor="")
    assert not run_reconcile(live, broker).changed
    assert (Fill.objects.count(), fresh(order).filled_quantity) == (1, 40)
    assert PaperTrade.objects.get().quantity == 40
    assert account_now(live).booked_cash == 99_600


def test_the_cursor_moves_with_each_fill(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = entry_of(live)
    broker.report_order(order, filled=40)
    broker.fill(order, 10, 10)
    broker.fill(order, 30, 10)
    run_reconcile(live, broker)
    account = account_now(live)
    assert (account.fill_cursor, account.reconciled_at) == ("2", CLOSES[1])
    run_reconcile(live, broker)
    assert broker.requested_cursors == ["", "2"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_two_concurrent_workers_book_each_fill_once_and_in_order(
    live: LiveStrategy, broker: ScriptedBroker, attempt: int
) -> None:
    entry = entry_of(live)
    broker.report_order(entry, "filled", 100)
    leg = leg_of(entry)
    broker.report_order(leg, "filled", 100, stop_price=Decimal(9))
    for price in (10, 11, 12, 13):
        broker.fill(entry, 25, price, 1)
    # Booking the sale before the purchases would leave an incident.
    broker.fill(leg, 100, 9, 1, TIMES[2])
    results = at_once(lambda: run_reconcile(live, broker), lambda: run_reconcile(live, broker))
    assert [type(result).__name__ for result in results] == ["Reconciled", "Reconciled"]
    assert sorted(Fill.objects.values_list("activity_id", flat=True)) == ["1", "2", "3", "4", "5"]
    trade = PaperTrade.objects.get()
    # (10 + 11 + 12 + 13) / 4 = 11.50; 100 x (9 - 11.50) - 5
    assert (trade.quantity, trade.entry_price, trade.pnl, trade.exit_reason) == (
        100,
        Decimal("11.5"),
        -255,
        "stop_loss",
    )
    assert (fresh(entry).state, fresh(leg).state) == (S.FILLED, S.FILLED)
    assert PaperPosition.objects.count() == 0
    assert Notification.objects.count() == 5
    assert not Incident.objects.exists()
    # 100,000 - 255
    assert account_now(live).booked_cash == 99_745


def test_a_crash_while_booking_a_fill_writes_nothing(
    live: LiveStrategy, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash after the trade was written also rolls back the fill, the order's state and the cursor."""
    order = entry_of(live)
    broker.report_order(order, filled=40)
    broker.fill(order, 40, 10)

    def crash(*_: object) -> None:
        assert PaperTrade.objects.count() == 1
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(lots, "refresh_position", crash)
        with pytest.raises(SystemExit):
            run_reconcile(live, broker)
    assert (Fill.objects.count(), PaperTrade.objects.count(), fresh(order).state) == (0, 0, S.ACCEPTED)
    assert (account_now(live).fill_cursor, account_now(live).booked_cash) == ("", 100_000)
    run_reconcile(live, broker)
    assert PaperTrade.objects.get().quantity == 40


def test_a_broker_without_an_answer_changes_nothing(live: LiveStrategy, broker: ScriptedBroker) -> None:
    """Decisions would not know the fills of the account."""
    order = entry_of(live)
    broker.filled(order, 10)
    for method in ("fills_since", "open_orders"):
        broker.failing = {method: OutcomeUnknown("timed out")}
        with pytest.raises(OutcomeUnknown):
            run_reconcile(live, broker)
        assert (fresh(order).state, Fill.objects.count(), account_now(live).reconciled_at) == (S.ACCEPTED, 0, None)
    broker.failing = {}
    run_reconcile(live, broker)
    assert fresh(order).state == S.FILLED


def test_a_fill_is_booked_while_the_broker_does_not_answer_for_its_order(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    first, second = entry_of(live), entry_of(live)
    broker.filled(first, 10)
    broker.filled(second, 11)
    broker.failing["order_by_client_id"] = OutcomeUnknown("timed out")
    run_reconcile(live, broker)
    assert (fresh(first).state, fresh(second).state) == (S.FILLED, S.FILLED)
    assert not Incident.objects.filter(kind=Incident.Kind.UNBOOKED_FILL).exists()
