"""The states of an order: the allowed transitions, the claim of a sender, and orders whose message or worker was
lost."""

import uuid
from datetime import timedelta

import pytest

from livetrading.models import LiveStrategy, Order, OrderState
from livetrading.models.order import FINAL, GIVEN_UP, SENT, TRANSITIONS, WORKING
from livetrading.pipeline.requeue import lost_orders
from tests.livetrading.at_once import at_once
from tests.livetrading.factories import WALL, make_live_strategy, make_order
from tests.livetrading.pipeline.scripted_broker import entry_of, fresh
from tradedesk.accounts.models import User

S = OrderState
SECOND = timedelta(seconds=1)


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


@pytest.mark.parametrize("source", list(OrderState))
@pytest.mark.parametrize("to", list(OrderState))
def test_an_order_changes_state_only_along_the_allowed_transitions(
    live: LiveStrategy, source: OrderState, to: OrderState
) -> None:
    order = make_order(user=live.user, state=source)
    allowed = to in TRANSITIONS[source]
    assert Order.move(order.pk, to, wall_now=WALL + SECOND, reason="moved") is allowed
    assert (fresh(order).state, order.reason) == ((to, "moved") if allowed else (source, ""))
    assert order.state_changed_at == (WALL + SECOND if allowed else WALL)


def test_every_state_accepts_a_fill_and_a_finished_order_changes_otherwise_only_when_the_broker_has_it() -> None:
    for state in OrderState:
        assert TRANSITIONS[state] >= {S.PARTIALLY_FILLED, S.FILLED}
    beyond = {state: TRANSITIONS[state] - {S.PARTIALLY_FILLED, S.FILLED} for state in FINAL}
    assert {state for state, rest in beyond.items() if rest == {S.CANCEL_PENDING}} == set(GIVEN_UP)
    assert not beyond[S.FILLED]


def test_every_state_is_either_working_or_final() -> None:
    assert set(WORKING) | set(FINAL) == set(OrderState) == set(TRANSITIONS)
    assert not set(WORKING) & set(FINAL)
    assert set(SENT) <= set(WORKING)


def test_a_move_can_be_limited_to_a_state_and_to_a_sender(live: LiveStrategy) -> None:
    order = make_order(user=live.user, state=S.SUBMITTING, sender="first")
    assert not Order.move(order.pk, S.ACCEPTED, wall_now=WALL, only_from=S.UNKNOWN)
    assert not Order.move(order.pk, S.ACCEPTED, wall_now=WALL, claimed_by="second")
    assert fresh(order).state == S.SUBMITTING
    assert Order.move(order.pk, S.ACCEPTED, wall_now=WALL, only_from=S.SUBMITTING, claimed_by="first")


def test_the_client_order_id_is_short_enough_for_every_broker() -> None:
    id_ = uuid.uuid4()
    assert Order.client_id_of(id_) == f"desk-{id_.hex}"
    assert len(f"{Order.client_id_of(id_)}-target") <= 48


@pytest.mark.parametrize("state", list(OrderState))
def test_only_a_pending_order_can_be_claimed(live: LiveStrategy, state: OrderState) -> None:
    order = make_order(user=live.user, state=state)
    claimed = Order.claim(order.pk, "sender", WALL + SECOND)
    assert claimed is (state == S.PENDING)
    assert fresh(order).state == (S.SUBMITTING if claimed else state)
    assert (order.sender, order.attempts) == (("sender", 1) if claimed else ("", 0))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_of_two_concurrent_senders_one_claims_the_order(live: LiveStrategy, attempt: int) -> None:
    order = make_order(user=live.user)
    first, second = at_once(
        lambda: Order.claim(order.pk, "first", WALL), lambda: Order.claim(order.pk, "second", WALL)
    )
    assert sorted([first, second]) == [False, True]
    assert (fresh(order).sender, order.attempts) == ("first" if first else "second", 1)


# --- Lost messages and workers ---------------------------------------------------------------------------------


def test_an_unknown_order_never_fails_by_timeout(live: LiveStrategy) -> None:
    order = make_order(user=live.user, state=S.UNKNOWN)
    assert lost_orders(WALL + timedelta(days=30)) == []
    assert fresh(order).state == S.UNKNOWN


def test_an_order_whose_message_was_lost_is_enqueued_again(live: LiveStrategy) -> None:
    order = make_order(user=live.user)
    assert lost_orders(WALL + 4 * SECOND) == []
    assert lost_orders(WALL + 6 * SECOND) == [order.pk]


def test_an_order_whose_worker_has_stopped_is_unknown_and_not_sent_again(live: LiveStrategy) -> None:
    order = make_order(user=live.user, state=S.SUBMITTING)
    assert lost_orders(WALL + 29 * SECOND) == []
    assert fresh(order).state == S.SUBMITTING
    assert lost_orders(WALL + 31 * SECOND) == []
    assert fresh(order).state == S.UNKNOWN


def test_lost_orders_are_enqueued_with_exits_first_and_then_the_oldest(live: LiveStrategy) -> None:
    late = make_order(user=live.user, created_at=WALL + SECOND)
    early = make_order(user=live.user, created_at=WALL)
    leaving = make_order(user=live.user, created_at=WALL + 2 * SECOND, side="sell", purpose="exit")
    assert lost_orders(WALL + 6 * SECOND) == [leaving.pk, early.pk, late.pk]


@pytest.mark.parametrize("state", [S.WAITING, S.GUARDED])
def test_an_order_that_waits_at_the_desk_is_not_lost(live: LiveStrategy, state: OrderState) -> None:
    entry_of(live, state=S.ACCEPTED)
    make_order(user=live.user, state=state)
    assert lost_orders(WALL + timedelta(days=1)) == []
