"""A broker that takes no more requests of an account: ticks and entries wait, exits go out."""

from datetime import timedelta

import pytest

from livetrading.brokers.protocol import NotSent, OutcomeUnknown, TooManyRequests
from livetrading.models import BrokerAccount, LiveStrategy, Order, OrderState
from livetrading.pipeline import execute as execute_module
from livetrading.pipeline.backoff import EXITS_FIRST, LONGEST, SHORTEST, back_off
from livetrading.pipeline.dispatch import claim_due_accounts
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.gate import OPEN
from livetrading.pipeline.tick import tick
from tests.livetrading.factories import make_live_strategy
from tests.livetrading.made_bars import CLOSES
from tests.livetrading.pipeline.desk import WALL
from tests.livetrading.pipeline.scripted_broker import (
    ScriptedBroker,
    account_now,
    connect,
    entry_of,
    exit_of,
    fresh,
)
from tradedesk.accounts.models import User

S = OrderState
BUSY = TooManyRequests("Too many requests.", timedelta(seconds=7))
HELD = NotSent("The own limit.", timedelta(seconds=7))


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> ScriptedBroker:
    monkeypatch.setattr(execute_module, "gate_before_sending", lambda order, now: OPEN)
    return connect(monkeypatch, ScriptedBroker())


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


def send(order: Order, after: float = 0) -> str:
    execute_order(order.pk, CLOSES[1], WALL + timedelta(seconds=after))
    return str(fresh(order).state)


@pytest.mark.parametrize(
    ("asked", "pause"), [(0, SHORTEST), (7, timedelta(seconds=7)), (3600, LONGEST), (-5, SHORTEST)]
)
def test_the_account_is_left_alone_for_what_the_broker_asks_within_bounds(
    live: LiveStrategy, asked: int, pause: timedelta
) -> None:
    assert back_off(live.account_id, TooManyRequests("", timedelta(seconds=asked)), WALL) == pause
    assert account_now(live).quiet_until == WALL + pause
    assert claim_due_accounts(CLOSES[1], WALL + pause - timedelta(seconds=0.1)) == []
    assert len(claim_due_accounts(CLOSES[1], WALL + pause)) == 1


def test_another_error_is_no_reason_to_back_off(live: LiveStrategy) -> None:
    assert back_off(live.account_id, OutcomeUnknown("no answer"), WALL) == timedelta(0)
    assert account_now(live).quiet_until is None


def test_a_tick_that_meets_the_limit_backs_off(live: LiveStrategy, broker: ScriptedBroker) -> None:
    broker.failing = {"open_orders": BUSY}
    result = tick(live.account_id, CLOSES[1], WALL)
    assert (result.pause, account_now(live).quiet_until) == (BUSY.retry_after, WALL + BUSY.retry_after)


def test_what_the_desk_itself_held_back_is_as_if_it_had_not_been_tried(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    """No account is quiet, nothing is unknown, and an order that may be at the broker is still asked for."""
    entry = entry_of(live, state=S.PENDING)
    again = entry_of(live, state=S.PENDING, symbol="MSFT", attempts=1, sender="first")
    sale = exit_of(entry_of(live, state=S.FILLED, symbol="IBM"), state=S.PENDING)
    broker.failing = {"submit": HELD}
    assert (send(entry, 1), send(again, 1)) == (S.PENDING, S.PENDING)
    assert [(fresh(each).attempts, each.sender) for each in (entry, again)] == [(0, ""), (1, "")]
    assert entry.state_changed_at == WALL + timedelta(seconds=1)
    assert account_now(live).quiet_until is None
    broker.failing = {"order_by_client_id": HELD}
    assert (send(again, 2), fresh(again).attempts) == (S.PENDING, 1)
    broker.failing = {}
    assert (send(sale, 2), send(entry, 2), send(again, 2)) == (S.ACCEPTED, S.ACCEPTED, S.ACCEPTED)


def test_a_tick_that_the_desk_itself_held_back_comes_later_and_leaves_orders_alone(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    broker.failing = {"open_orders": HELD}
    assert tick(live.account_id, CLOSES[1], WALL).pause == HELD.retry_after
    assert account_now(live).quiet_until is None


def test_an_order_is_given_back_by_its_sender_alone(live: LiveStrategy) -> None:
    order = entry_of(live, state=S.SUBMITTING, sender="second", attempts=2)
    assert not Order.give_back(order.pk, "first", WALL)
    assert Order.give_back(order.pk, "second", WALL)
    assert not Order.give_back(order.pk, "second", WALL)
    assert (fresh(order).state, order.attempts) == (S.PENDING, 1)


def test_an_entry_waits_and_an_exit_goes_out(live: LiveStrategy, broker: ScriptedBroker) -> None:
    entry = entry_of(live, state=S.PENDING)
    held = entry_of(live, state=S.FILLED, symbol="IBM")
    sale = exit_of(held, state=S.PENDING)
    broker.failing = {"submit": BUSY}
    assert send(entry_of(live, state=S.PENDING, symbol="MSFT")) == S.UNKNOWN
    broker.failing = {}
    assert send(entry, 1) == S.PENDING
    assert (fresh(entry).attempts, send(sale, 1)) == (0, S.ACCEPTED)
    assert send(entry, 7) == S.ACCEPTED


def test_an_entry_waits_for_an_exit_that_waits_for_its_shares(live: LiveStrategy, broker: ScriptedBroker) -> None:
    entry = entry_of(live, state=S.PENDING)
    sale = exit_of(entry_of(live, state=S.FILLED, symbol="IBM"), state=S.WAITING)
    BrokerAccount.objects.update(quiet_until=WALL)
    assert send(entry, 1) == S.PENDING
    Order.objects.filter(pk=sale.pk).update(state=S.ACCEPTED)
    assert send(entry, 1) == S.ACCEPTED


def test_an_entry_waits_for_the_exit_that_met_the_limit(live: LiveStrategy, broker: ScriptedBroker) -> None:
    entry = entry_of(live, state=S.PENDING)
    sale = exit_of(entry_of(live, state=S.FILLED, symbol="IBM"), state=S.PENDING)
    broker.failing = {"submit": BUSY}
    assert send(sale) == S.UNKNOWN
    broker.failing = {}
    assert send(entry, 8) == S.PENDING
    Order.objects.filter(pk=sale.pk).update(state=S.PENDING)
    assert send(entry, 8) == S.PENDING
    assert (send(sale, 9), send(entry, 9)) == (S.ACCEPTED, S.ACCEPTED)


def test_an_exit_that_stays_unknown_holds_entries_for_a_while_only(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    entry = entry_of(live, state=S.PENDING)
    exit_of(entry_of(live, state=S.FILLED, symbol="IBM"), state=S.UNKNOWN, attempts=1)
    BrokerAccount.objects.update(quiet_until=WALL)
    assert send(entry, EXITS_FIRST.total_seconds() - 1) == S.PENDING
    assert send(entry, EXITS_FIRST.total_seconds()) == S.ACCEPTED


def test_without_a_limit_an_exit_in_trouble_holds_no_entry(live: LiveStrategy, broker: ScriptedBroker) -> None:
    exit_of(entry_of(live, state=S.FILLED, symbol="IBM"), state=S.UNKNOWN, attempts=1)
    assert send(entry_of(live, state=S.PENDING)) == S.ACCEPTED
