"""Orders: the transitions, the claim, the checks before sending, and the recovery of an unknown outcome."""

import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from livetrading.brokers.protocol import BrokerOrder, OrderRefused, OrderRequest, OutcomeUnknown
from livetrading.brokers.simulation.broker import SimulatedBroker
from livetrading.models import LiveStrategy, Order, OrderState, PaperOrder, PaperTrade
from livetrading.models.order import TRANSITIONS
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.reconcile import reconcile
from livetrading.pipeline.requeue import accounts_to_reconcile, lost_orders
from livetrading.services.accounts import NoBroker, broker_for
from tests.livetrading.pipeline.desk import WALL, closes, deployed, open_account
from tradedesk.accounts.models import Mode, Notification, User
from tradedesk.core.risk import Refusal
from tradedesk.core.rules import RiskRules
from tradedesk.marketdata.services import load_samples

MONDAY, TUESDAY, *_ = closes(date(2012, 3, 5), date(2012, 3, 9))
S = OrderState


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    load_samples(WALL)
    open_account(alice, 100_000.0)
    return deployed(alice, "buy_and_hold", ["AAPL", "IBM"])


def entry(live: LiveStrategy, **fields: Any) -> Order:
    order_id = uuid.uuid4()
    values: dict[str, Any] = {
        "id": order_id,
        "client_order_id": Order.client_id_of(order_id),
        "user_id": live.user_id,
        "live_strategy": live,
        "mode": live.mode,
        "symbol": "AAPL",
        "side": "buy",
        "purpose": Order.Purpose.ENTRY,
        "quantity": Decimal(10),
        "stop_loss_pct": 0.1,
        "created_at": MONDAY,
        "state_changed_at": WALL,
    }
    return Order.objects.create(**(values | fields))


def state_of(order: Order) -> str:
    return Order.objects.values_list("state", flat=True).get(pk=order.pk)


@pytest.mark.parametrize("source", list(OrderState))
@pytest.mark.parametrize("to", list(OrderState))
def test_an_order_changes_state_only_along_the_allowed_transitions(
    live: LiveStrategy, source: OrderState, to: OrderState
) -> None:
    order = entry(live, state=source)
    allowed = to in TRANSITIONS[source]
    assert Order.move(order.pk, to, wall_now=WALL + timedelta(seconds=1), reason="moved") is allowed
    order.refresh_from_db()
    assert (order.state, order.reason) == ((to, "moved") if allowed else (source, ""))


def test_a_finished_order_never_changes_its_state() -> None:
    finished = {S.FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED, S.BLOCKED}
    assert {state for state, following in TRANSITIONS.items() if not following} == finished


def test_the_client_order_id_is_short_enough_for_every_broker() -> None:
    id_ = uuid.uuid4()
    assert Order.client_id_of(id_) == f"desk-{id_.hex}"
    assert len(Order.client_id_of(id_)) <= 48


def test_an_order_is_sent_and_accepted(live: LiveStrategy) -> None:
    order = entry(live)
    execute_order(order.pk, MONDAY, WALL)
    assert state_of(order) == S.ACCEPTED
    assert PaperOrder.objects.get().client_order_id == order.client_order_id


def test_an_order_executed_twice_is_sent_once(live: LiveStrategy, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = count_submissions(monkeypatch)
    order = entry(live)
    execute_order(order.pk, MONDAY, WALL)
    execute_order(order.pk, MONDAY, WALL)
    assert sent == [order.client_order_id]


@pytest.mark.django_db(transaction=True)
def test_the_broker_is_never_called_inside_a_transaction(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[bool] = []
    real = SimulatedBroker.submit

    def submit(broker: SimulatedBroker, request: OrderRequest) -> BrokerOrder:
        inside.append(connection.in_atomic_block)
        return real(broker, request)

    monkeypatch.setattr(SimulatedBroker, "submit", submit)
    execute_order(entry(live).pk, MONDAY, WALL)
    assert inside == [False]


def test_a_live_order_in_paper_mode_is_blocked_and_never_sent(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = count_submissions(monkeypatch)
    with pytest.raises(NoBroker) as no_broker:
        broker_for(live.user_id, Mode.LIVE, MONDAY)
    order = entry(live, mode=Mode.LIVE)
    execute_order(order.pk, MONDAY, WALL)
    order.refresh_from_db()
    assert (order.state, order.reason) == (S.BLOCKED, str(no_broker.value))
    assert sent == []


def test_a_paper_order_in_live_mode_is_blocked_and_reported(live: LiveStrategy, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(mode=Mode.LIVE)
    order = entry(live)
    execute_order(order.pk, MONDAY, WALL)
    order.refresh_from_db()
    assert order.state == S.BLOCKED
    assert order.reason in Notification.objects.get(user=alice).text


def test_the_emergency_stop_blocks_entries_and_not_exits(live: LiveStrategy, alice: User) -> None:
    bought = entry(live)
    execute_order(bought.pk, MONDAY, WALL)
    reconcile(alice.pk, Mode.PAPER, TUESDAY, WALL)
    User.objects.filter(pk=alice.pk).update(entries_stopped=True)
    blocked = entry(live, symbol="IBM")
    exit_ = entry(live, side="sell", purpose=Order.Purpose.EXIT, opening_order=bought, stop_loss_pct=None)
    for order in (blocked, exit_):
        execute_order(order.pk, TUESDAY, WALL)
    blocked.refresh_from_db()
    assert blocked.state == S.BLOCKED
    assert state_of(exit_) == S.ACCEPTED


@pytest.mark.parametrize("status", ["paused", "stopped"])
def test_an_entry_of_a_strategy_that_was_paused_or_stopped_is_blocked(live: LiveStrategy, status: str) -> None:
    order = entry(live)
    LiveStrategy.objects.filter(pk=live.pk).update(status=status)
    execute_order(order.pk, MONDAY, WALL)
    order.refresh_from_db()
    assert order.state == S.BLOCKED
    assert status in order.reason


def test_the_limit_of_positions_is_checked_again_before_sending(live: LiveStrategy) -> None:
    LiveStrategy.objects.filter(pk=live.pk).update(max_positions=1)
    execute_order(entry(live).pk, MONDAY, WALL)
    second = entry(live, symbol="IBM")
    execute_order(second.pk, MONDAY, WALL)
    second.refresh_from_db()
    assert (second.state, second.reason) == (
        S.BLOCKED,
        Refusal.MAX_POSITIONS.message(rules=RiskRules(max_positions=1)),
    )


def test_a_refusal_of_the_broker_is_stored_and_reported(
    live: LiveStrategy, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_submissions(monkeypatch, OrderRefused("insufficient buying power"))
    order = entry(live)
    execute_order(order.pk, MONDAY, WALL)
    order.refresh_from_db()
    assert (order.state, order.reason) == (S.REJECTED, "insufficient buying power")
    assert "insufficient buying power" in Notification.objects.get(user=alice).text


def test_an_order_without_a_response_is_unknown_until_it_is_reconciled(
    live: LiveStrategy, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker had received the order: its state is updated, and nothing is sent again."""
    real = SimulatedBroker.submit

    def submit_without_response(broker: SimulatedBroker, request: OrderRequest) -> BrokerOrder:
        real(broker, request)
        raise OutcomeUnknown("connection reset")

    monkeypatch.setattr(SimulatedBroker, "submit", submit_without_response)
    order = entry(live)
    execute_order(order.pk, MONDAY, WALL)
    assert state_of(order) == S.UNKNOWN
    reconcile(alice.pk, Mode.PAPER, MONDAY, WALL)
    assert state_of(order) == S.ACCEPTED
    assert PaperOrder.objects.count() == 1


def test_an_order_that_the_broker_never_received_is_sent_again_with_the_same_id(
    live: LiveStrategy, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_submissions(monkeypatch, OutcomeUnknown("timed out"))
    order = entry(live)
    execute_order(order.pk, MONDAY, WALL)
    reconcile(alice.pk, Mode.PAPER, MONDAY, WALL)
    assert state_of(order) == S.PENDING
    monkeypatch.undo()
    execute_order(order.pk, MONDAY, WALL)
    assert PaperOrder.objects.get().client_order_id == order.client_order_id


def test_an_unknown_order_never_fails_by_timeout(live: LiveStrategy) -> None:
    order = entry(live, state=S.UNKNOWN)
    assert lost_orders(WALL + timedelta(days=30)) == []
    assert state_of(order) == S.UNKNOWN


def test_an_order_whose_message_was_lost_is_enqueued_again(live: LiveStrategy) -> None:
    order = entry(live)
    assert lost_orders(WALL + timedelta(seconds=4)) == []
    assert lost_orders(WALL + timedelta(seconds=6)) == [order.pk]


def test_an_order_whose_worker_has_stopped_is_queried_before_it_is_sent_again(live: LiveStrategy) -> None:
    order = entry(live, state=S.SUBMITTING)
    assert lost_orders(WALL + timedelta(seconds=29)) == []
    assert state_of(order) == S.SUBMITTING
    assert lost_orders(WALL + timedelta(seconds=31)) == []
    assert state_of(order) == S.UNKNOWN
    assert accounts_to_reconcile() == [(live.user_id, Mode.PAPER)]


def test_a_fill_that_is_reported_twice_is_booked_once(live: LiveStrategy, alice: User) -> None:
    order = entry(live)
    execute_order(order.pk, MONDAY, WALL)
    for _ in range(3):
        reconcile(alice.pk, Mode.PAPER, TUESDAY, WALL)
    order.refresh_from_db()
    assert (order.state, order.filled_quantity, order.fills.count()) == (S.FILLED, Decimal(10), 1)
    trade = PaperTrade.objects.get(opening_order=order)
    assert trade.quantity == Decimal(10)
    stop = Order.objects.get(opening_order=order)
    assert (stop.purpose, stop.state, stop.trigger_price) == ("stop_loss", S.ACCEPTED, trade.stop_price)


def test_a_fill_of_an_order_from_outside_the_desk_is_not_booked(live: LiveStrategy, alice: User) -> None:
    order = entry(live)
    execute_order(order.pk, MONDAY, WALL)
    Order.objects.all().delete()
    reconcile(alice.pk, Mode.PAPER, TUESDAY, WALL)
    assert PaperTrade.objects.count() == 0
    assert Order.objects.count() == 0


def count_submissions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sent: list[str] = []
    real = SimulatedBroker.submit

    def submit(broker: SimulatedBroker, request: OrderRequest) -> BrokerOrder:
        sent.append(request.client_order_id)
        return real(broker, request)

    monkeypatch.setattr(SimulatedBroker, "submit", submit)
    return sent


def fail_submissions(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def submit(_broker: SimulatedBroker, _request: OrderRequest) -> BrokerOrder:
        raise error

    monkeypatch.setattr(SimulatedBroker, "submit", submit)
