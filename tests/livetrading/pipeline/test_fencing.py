"""A sender that stalls: another worker takes its order over and asks the broker before it sends or blocks it. The
first sender does not send when it wakes."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from livetrading.brokers.protocol import BrokerOrder, OrderRequest, OutcomeUnknown
from livetrading.models import Incident, LiveStrategy, Order, OrderState
from livetrading.pipeline import execute as execute_module
from livetrading.pipeline.execute import execute_order, request_cancels
from livetrading.pipeline.fence import BROKER_CALL, FENCE, LEASE, LOST_WORKER, Fence
from livetrading.pipeline.gate import OPEN, Held, Verdict
from livetrading.pipeline.requeue import lost_orders
from livetrading.pipeline.tick import tick
from tests.livetrading.factories import make_live_strategy
from tests.livetrading.made_bars import CLOSES
from tests.livetrading.pipeline.desk import WALL
from tests.livetrading.pipeline.scripted_broker import ScriptedBroker, connect, entry_of, fresh, run_reconcile
from tradedesk.accounts.models import User
from tradedesk.notifications.models import Notification

S = OrderState
LATER = WALL + LOST_WORKER + timedelta(seconds=1)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> ScriptedBroker:
    return connect(monkeypatch, ScriptedBroker())


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


@pytest.fixture
def order(live: LiveStrategy) -> Order:
    return entry_of(live, state=S.PENDING)


def send(order: Order, wall_now: datetime = WALL) -> None:
    execute_order(order.pk, CLOSES[1], wall_now)


def send_again(order: Order) -> None:
    """The second sender."""
    send(order, LATER)


def close_the_gate(live: LiveStrategy) -> None:
    """As a pause does, which also cancels the entries."""
    LiveStrategy.objects.filter(pk=live.pk).update(status=LiveStrategy.Status.PAUSED)


def take_over(live: LiveStrategy, order: Order, broker: ScriptedBroker) -> None:
    """More than 30 seconds pass: the order is UNKNOWN, the broker does not have it, so it is PENDING again."""
    assert fresh(order).state == S.SUBMITTING
    lost_orders(LATER)
    assert fresh(order).state == S.UNKNOWN
    run_reconcile(live, broker)
    assert fresh(order).state == S.PENDING


def stall_before_sending(
    monkeypatch: pytest.MonkeyPatch, verdict: Verdict = OPEN, *, meanwhile: Callable[[], None]
) -> None:
    """The first sender has this verdict of the gate and stalls; `meanwhile` runs. For later senders it is the real
    gate."""
    real, stalled = execute_module.gate_before_sending, list[bool]()

    def gate_before_sending(order: Order, now: datetime) -> Verdict:
        if stalled:
            return real(order, now)
        stalled.append(True)
        meanwhile()
        return verdict

    monkeypatch.setattr(execute_module, "gate_before_sending", gate_before_sending)


def stall_while_sending(
    monkeypatch: pytest.MonkeyPatch, *, before: Callable[[], None], after: Callable[[], None] = lambda: None
) -> None:
    """The request of the first sender is on its way for long: `before` runs before it arrives at the broker,
    `after` before its response is back."""
    real, stalled = ScriptedBroker.submit, list[bool]()

    def submit(self: ScriptedBroker, request: OrderRequest) -> BrokerOrder:
        if stalled:
            return real(self, request)
        stalled.append(True)
        before()
        made = real(self, request)
        after()
        return made

    monkeypatch.setattr(ScriptedBroker, "submit", submit)


def test_a_sender_whose_order_was_taken_over_does_not_send(
    live: LiveStrategy, order: Order, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile() -> None:
        take_over(live, order, broker)
        send_again(order)
        assert len(broker.submitted) == 1

    stall_before_sending(monkeypatch, meanwhile=meanwhile)
    send(order)
    assert len(broker.submitted) == 1, "the second sender's"
    assert (fresh(order).state, order.attempts) == (S.ACCEPTED, 2)


@pytest.mark.parametrize("reached", [S.UNKNOWN, S.PENDING])
def test_a_sender_whose_order_waits_for_another_does_not_send(
    live: LiveStrategy,
    order: Order,
    broker: ScriptedBroker,
    monkeypatch: pytest.MonkeyPatch,
    reached: OrderState,
) -> None:
    def meanwhile() -> None:
        lost_orders(LATER)
        if reached == S.PENDING:
            run_reconcile(live, broker)

    stall_before_sending(monkeypatch, meanwhile=meanwhile)
    send(order)
    assert (broker.submitted, fresh(order).state) == ([], reached)


def test_an_order_that_another_sender_has_claimed_again_is_not_sent_by_the_first(
    live: LiveStrategy, order: Order, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both senders see the order SUBMITTING; only the token tells them apart."""

    def meanwhile() -> None:
        take_over(live, order, broker)
        assert Order.claim(order.pk, "second", LATER)

    stall_before_sending(monkeypatch, meanwhile=meanwhile)
    send(order)
    assert (broker.submitted, fresh(order).state, order.sender) == ([], S.SUBMITTING, "second")


def test_after_a_pause_the_second_sender_blocks_an_order_that_the_broker_does_not_have(
    live: LiveStrategy, order: Order, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile() -> None:
        take_over(live, order, broker)
        close_the_gate(live)
        send_again(order)
        assert fresh(order).state == S.BLOCKED

    stall_before_sending(monkeypatch, meanwhile=meanwhile)
    send(order)
    assert (broker.submitted, fresh(order).state) == ([], S.BLOCKED)
    assert Notification.objects.count() == 1


def test_after_a_pause_the_second_sender_accepts_an_order_that_the_broker_has(
    live: LiveStrategy, order: Order, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first request arrived late: after the broker was asked, and before the second sender."""

    def after() -> None:
        close_the_gate(live)
        send_again(order)

    stall_while_sending(
        monkeypatch,
        before=lambda: take_over(live, order, broker),
        after=after,
    )
    send(order)
    assert (len(broker.submitted), fresh(order).state, order.reason) == (1, S.ACCEPTED, "")
    assert order.broker_order_id == broker.orders[order.client_order_id].broker_order_id
    assert not Notification.objects.exists()
    assert not Incident.objects.exists()


def test_a_request_that_arrives_after_the_order_was_blocked_is_cancelled_at_the_broker(
    live: LiveStrategy, order: Order, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def before() -> None:
        take_over(live, order, broker)
        close_the_gate(live)
        send_again(order)
        assert fresh(order).state == S.BLOCKED

    stall_while_sending(monkeypatch, before=before)
    send(order)
    run_reconcile(live, broker)
    assert fresh(order).state == S.CANCEL_PENDING
    assert Incident.objects.get().kind == Incident.Kind.UNEXPECTED_ORDER


def test_a_sender_that_lost_its_claim_does_not_end_the_order(
    live: LiveStrategy, order: Order, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate of the first was closed; the second has sent the order and stopped before the response."""

    def second_sender_stops_after_sending() -> None:
        take_over(live, order, broker)
        with monkeypatch.context() as patch:
            submit = ScriptedBroker.submit

            def crash(self: ScriptedBroker, request: OrderRequest) -> BrokerOrder:
                submit(self, request)
                raise SystemExit

            patch.setattr(ScriptedBroker, "submit", crash)
            with pytest.raises(SystemExit):
                send_again(order)

    shut = Verdict(Held.PAUSED, "Paused.")
    stall_before_sending(monkeypatch, shut, meanwhile=second_sender_stops_after_sending)
    send(order)
    assert (fresh(order).state, len(broker.submitted)) == (S.SUBMITTING, 1)
    assert not Notification.objects.exists()
    lost_orders(LATER + LOST_WORKER + timedelta(seconds=1))
    run_reconcile(live, broker)
    assert fresh(order).state == S.ACCEPTED


def test_the_first_attempt_does_not_ask_the_broker_and_later_ones_do(
    live: LiveStrategy, order: Order, broker: ScriptedBroker
) -> None:
    """When the broker cannot say whether it has the order, nothing is sent and nothing is blocked."""
    broker.failing = {"order_by_client_id": OutcomeUnknown("timed out"), "submit": OutcomeUnknown("timed out")}
    send(order)
    assert (fresh(order).state, len(broker.submitted)) == (S.UNKNOWN, 1)
    Order.objects.filter(pk=order.pk).update(state=S.PENDING)
    close_the_gate(live)
    send(order)
    assert (fresh(order).state, order.attempts, len(broker.submitted)) == (S.UNKNOWN, 2, 1)


# --- The fence -------------------------------------------------------------------------------------------------


def test_a_call_ends_before_the_claim_does_and_the_claim_before_others_take_over() -> None:
    assert timedelta(0) < BROKER_CALL < FENCE < LOST_WORKER
    assert FENCE < LEASE


@pytest.mark.parametrize(
    ("stalled", "sent"), [(FENCE - BROKER_CALL, False), (FENCE - BROKER_CALL - timedelta(microseconds=1), True)]
)
def test_a_sender_that_stalled_does_not_send_although_nobody_has_taken_over_yet(
    order: Order, broker: ScriptedBroker, stalled: timedelta, sent: bool
) -> None:
    execute_order(order.pk, CLOSES[1], WALL, lambda: WALL + stalled)
    assert (len(broker.submitted) == 1) == sent
    assert fresh(order).state == (S.ACCEPTED if sent else S.SUBMITTING)
    lost_orders(LATER)
    assert fresh(order).state == (S.ACCEPTED if sent else S.UNKNOWN)


def test_a_replacement_is_not_sent_by_a_sender_that_stalled(
    live: LiveStrategy, order: Order, broker: ScriptedBroker
) -> None:
    old = entry_of(live, symbol="IBM")
    broker.report_order(old)
    Order.objects.filter(pk=order.pk).update(replaces=old)
    execute_order(order.pk, CLOSES[1], WALL, lambda: WALL + FENCE)
    assert (broker.replaced, fresh(order).state) == ([], S.SUBMITTING)


def test_a_slow_answer_to_whether_the_broker_has_the_order_begins_the_time_again(
    order: Order, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = [WALL]

    def slowly(self: ScriptedBroker, client_order_id: str) -> BrokerOrder | None:
        wall[0] += BROKER_CALL
        return self.orders.get(client_order_id)

    monkeypatch.setattr(ScriptedBroker, "order_by_client_id", slowly)
    Order.objects.filter(pk=order.pk).update(attempts=1)
    execute_order(order.pk, CLOSES[1], WALL, lambda: wall[0])
    assert (len(broker.submitted), fresh(order).state) == (1, S.ACCEPTED)


def test_a_tick_that_stalled_or_lost_its_account_cancels_nothing(
    live: LiveStrategy, order: Order, broker: ScriptedBroker
) -> None:
    Order.objects.filter(pk=order.pk).update(state=S.CANCEL_PENDING)
    broker.report_order(order)
    tick(live.account_id, CLOSES[1], WALL, renew=lambda: False)
    request_cancels(live.account, broker, Fence.from_claim(WALL, lambda: WALL + FENCE))
    assert broker.cancelled == []
    tick(live.account_id, CLOSES[1], WALL, clock=lambda: WALL)
    assert broker.cancelled == [order.client_order_id]


def test_a_cancellation_is_not_asked_for_once_the_order_has_ended(
    live: LiveStrategy, order: Order, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two, the second ends while the first is asked for."""
    second = entry_of(live, symbol="IBM")
    Order.objects.filter(pk__in=[order.pk, second.pk]).update(state=S.CANCEL_PENDING)
    cancel = ScriptedBroker.cancel

    def meanwhile(self: ScriptedBroker, client_order_id: str) -> None:
        cancel(self, client_order_id)
        Order.objects.exclude(client_order_id=client_order_id).update(state=S.FILLED)

    monkeypatch.setattr(ScriptedBroker, "cancel", meanwhile)
    request_cancels(live.account, broker)
    assert len(broker.cancelled) == 1
