"""Sending one order: once, outside any transaction, with the outcome that the broker reported."""

from decimal import Decimal

import pytest
from django.db import connection

from livetrading.brokers.protocol import (
    AttachedExit,
    BarMatching,
    BrokerOrder,
    OrderRefused,
    OrderRequest,
    OutcomeUnknown,
)
from livetrading.models import LiveStrategy, Order, OrderState, PaperTrade
from livetrading.pipeline.execute import execute_order, request_cancels
from livetrading.pipeline.reconcile import reconcile
from livetrading.services.accounts import NoBroker, broker_for
from tests.livetrading.factories import account_of, make_live_strategy, make_order
from tests.livetrading.made_bars import CLOSES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL
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
from tradedesk.accounts.models import Mode, User, UserVersion
from tradedesk.marketdata.sessions import next_bar_close
from tradedesk.notifications.models import Notification

S = OrderState


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> ScriptedBroker:
    return connect(monkeypatch, ScriptedBroker())


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


def pending(live: LiveStrategy, **fields: object) -> Order:
    return entry_of(live, state=S.PENDING, **fields)  # type: ignore[arg-type]


def send(order: Order) -> Order:
    execute_order(order.pk, CLOSES[1], WALL)
    return fresh(order)


def test_an_order_is_sent_and_accepted(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = send(pending(live, target=0.2, timeframe="1Hour", priority=0.7, fractional=True))
    assert (order.state, order.reason, order.attempts) == (S.ACCEPTED, "", 1)
    assert order.broker_order_id == broker.orders[order.client_order_id].broker_order_id
    stop, target = (leg_of(order, purpose) for purpose in ("stop_loss", "take_profit"))
    assert broker.submitted == [
        OrderRequest(
            client_order_id=order.client_order_id,
            symbol="AAPL",
            side="buy",
            quantity=Decimal(100),
            fractional=True,
            exits=(
                AttachedExit(client_order_id=stop.client_order_id, type="stop", distance=0.1),
                AttachedExit(client_order_id=target.client_order_id, type="limit", distance=0.2),
            ),
            valid_until=next_bar_close(order.created_at, "1Hour"),
            matching=BarMatching(bar_minutes=60, priority=0.7),
        )
    ]
    assert UserVersion.objects.filter(user=live.user).exists()


def test_an_exit_names_the_entry_whose_lot_it_closes(live: LiveStrategy, broker: ScriptedBroker) -> None:
    entry = entry_of(live)
    order = send(exit_of(entry, state=S.PENDING))
    assert order.state == S.ACCEPTED
    assert (broker.submitted[0].closes, broker.submitted[0].exits) == (entry.client_order_id, ())


def test_an_order_executed_twice_is_sent_once(live: LiveStrategy, broker: ScriptedBroker) -> None:
    order = pending(live)
    send(order)
    send(order)
    assert [request.client_order_id for request in broker.submitted] == [order.client_order_id]


@pytest.mark.django_db(transaction=True)
def test_the_broker_is_never_called_inside_a_transaction(
    live: LiveStrategy, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[bool] = []
    real = ScriptedBroker.submit

    def submit(self: ScriptedBroker, request: OrderRequest) -> BrokerOrder:
        inside.append(connection.in_atomic_block)
        return real(self, request)

    monkeypatch.setattr(ScriptedBroker, "submit", submit)
    send(pending(live))
    assert inside == [False]


def test_an_order_of_an_account_without_a_broker_is_blocked(alice: User) -> None:
    account = account_of(alice, Mode.LIVE)
    User.objects.update(mode=Mode.LIVE)
    with pytest.raises(NoBroker) as no_broker:
        broker_for(account, CLOSES[1])
    order = send(make_order(user=alice, mode=Mode.LIVE))
    assert (order.state, order.reason) == (S.BLOCKED, str(no_broker.value))


def test_a_refusal_of_the_broker_is_stored_and_reported(live: LiveStrategy, broker: ScriptedBroker) -> None:
    broker.failing["submit"] = OrderRefused("insufficient buying power")
    order = send(pending(live))
    assert (order.state, order.reason) == (S.REJECTED, "insufficient buying power")
    assert "insufficient buying power" in Notification.objects.get(user=live.user).text


@pytest.mark.parametrize("error", [OutcomeUnknown("timed out"), ValueError("not JSON")])
def test_any_other_error_leaves_the_outcome_unknown(
    live: LiveStrategy, broker: ScriptedBroker, error: Exception
) -> None:
    broker.failing["submit"] = error
    order = send(pending(live))
    assert order.state == S.UNKNOWN
    assert order.reason
    assert not Notification.objects.exists()


def test_an_order_without_a_response_is_unknown_until_it_is_reconciled(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    """The broker had received the order: its state is updated, and nothing is sent again."""
    broker.lose_responses = True
    order = send(pending(live))
    assert order.state == S.UNKNOWN
    run_reconcile(live, broker)
    assert fresh(order).state == S.ACCEPTED
    assert len(broker.submitted) == 1


def test_an_order_that_the_broker_never_received_is_sent_again_with_the_same_id(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    broker.failing["submit"] = OutcomeUnknown("timed out")
    order = send(pending(live))
    run_reconcile(live, broker)
    assert fresh(order).state == S.PENDING
    broker.failing = {}
    assert send(order).state == S.ACCEPTED
    assert [request.client_order_id for request in broker.submitted] == [order.client_order_id] * 2
    assert list(broker.orders) == [order.client_order_id]


def test_an_order_is_sent_to_the_simulation_and_booked_once(live: LiveStrategy) -> None:
    """The whole way with the simulated broker."""
    store_bars(AAPL=flat(10, 10, 11))
    order = send(pending(live))
    assert order.state == S.ACCEPTED
    for _ in range(3):
        account = account_now(live)
        reconcile(account, broker_for(account, CLOSES[2]), CLOSES[2], WALL)
    assert (fresh(order).state, order.filled_quantity, order.fills.count()) == (S.FILLED, 100, 1)
    trade = PaperTrade.objects.get(opening_order=order)
    stop = leg_of(order)
    assert (trade.quantity, trade.entry_price) == (100, 11)
    assert (stop.state, stop.trigger_price) == (S.ACCEPTED, trade.stop_price)


# --- Cancellations ---------------------------------------------------------------------------------------------


def test_cancellations_are_requested_until_the_broker_reports_their_outcome(
    live: LiveStrategy, bob: User, broker: ScriptedBroker
) -> None:
    orders = [entry_of(live, state=S.CANCEL_PENDING, state_changed_at=WALL.replace(hour=n)) for n in (1, 2)]
    entry_of(live)
    entry_of(make_live_strategy(user=bob), state=S.CANCEL_PENDING)
    broker.report_order(orders[1])
    broker.failing["cancel"] = OutcomeUnknown("timed out")
    request_cancels(account_now(live), broker)
    assert broker.cancelled == [order.client_order_id for order in orders], "one failure does not stop the other"
    assert fresh(orders[0]).state == S.CANCEL_PENDING
    broker.failing = {}
    request_cancels(account_now(live), broker)
    run_reconcile(live, broker)
    assert fresh(orders[1]).state == S.CANCELLED
    request_cancels(account_now(live), broker)
    assert broker.cancelled.count(orders[1].client_order_id) == 2
