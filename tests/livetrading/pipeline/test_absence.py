"""An order that the broker does not find: it is sent again only when it certainly cannot become a second one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from livetrading.brokers.protocol import Capabilities, OrderRefused
from livetrading.models import LiveStrategy, Order, OrderState
from livetrading.pipeline import execute as execute_module
from livetrading.pipeline.absence import LOOKS, OVER
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.gate import OPEN
from livetrading.pipeline.reconcile import reconcile
from tests.livetrading.factories import make_live_strategy
from tests.livetrading.made_bars import CLOSES, NOW
from tests.livetrading.pipeline.scripted_broker import (
    AT_FILL,
    ScriptedBroker,
    account_now,
    connect,
    entry_of,
    fresh,
    leg_of,
)
from tradedesk.accounts.models import User

S = OrderState
CARELESS = replace(AT_FILL, unique_client_ids=False)
STEP = OVER / (LOOKS - 1)


@pytest.fixture
def live(alice: User, monkeypatch: pytest.MonkeyPatch) -> LiveStrategy:
    monkeypatch.setattr(execute_module, "gate_before_sending", lambda order, now: OPEN)
    return make_live_strategy(user=alice)


def look(live: LiveStrategy, broker: ScriptedBroker, after: timedelta) -> None:
    reconcile(account_now(live), broker, CLOSES[1], NOW + after)


def test_one_look_is_enough_where_an_id_is_taken_once(live: LiveStrategy) -> None:
    order = entry_of(live, state=S.UNKNOWN, state_changed_at=NOW)
    look(live, ScriptedBroker(), timedelta(0))
    assert fresh(order).state == S.PENDING


def test_elsewhere_it_takes_several_looks_over_some_time(live: LiveStrategy) -> None:
    order, broker = entry_of(live, state=S.UNKNOWN, state_changed_at=NOW), ScriptedBroker(CARELESS)
    states = []
    for number in range(LOOKS):
        look(live, broker, number * STEP)
        states.append(fresh(order).state)
    assert states == [S.UNKNOWN] * (LOOKS - 1) + [S.PENDING]


def test_many_looks_in_a_short_time_are_not_enough(live: LiveStrategy) -> None:
    order, broker = entry_of(live, state=S.UNKNOWN, state_changed_at=NOW), ScriptedBroker(CARELESS)
    for number in range(3 * LOOKS):
        look(live, broker, timedelta(seconds=number / 10))
    assert fresh(order).state == S.UNKNOWN


def test_a_look_that_finds_it_starts_the_count_again(live: LiveStrategy) -> None:
    """Found with a word that the adapter does not know, so that it stays UNKNOWN."""
    order, broker = entry_of(live, state=S.UNKNOWN, state_changed_at=NOW), ScriptedBroker(CARELESS)
    look(live, broker, timedelta(0))
    look(live, broker, STEP)
    broker.report_order(order, "unknown")
    look(live, broker, 2 * STEP)
    broker.orders.clear()
    look(live, broker, 3 * STEP)
    assert (fresh(order).state, fresh(order).absent_looks) == (S.UNKNOWN, 1)


def test_looks_before_it_was_sent_again_do_not_count(live: LiveStrategy) -> None:
    since = NOW - timedelta(minutes=1)
    order = entry_of(live, state=S.UNKNOWN, state_changed_at=NOW, absent_looks=5, absent_since=since)
    look(live, ScriptedBroker(CARELESS), OVER)
    assert (fresh(order).state, fresh(order).absent_looks) == (S.UNKNOWN, 1)


def test_an_attached_exit_that_is_not_found_is_not_given_up_at_once(live: LiveStrategy) -> None:
    """However the broker treats ids: another stop for the same shares would be a second one."""
    entry, broker = entry_of(live, state=S.ACCEPTED), ScriptedBroker()
    broker.filled(entry, 10)
    for number in range(LOOKS):
        assert fresh(leg_of(entry)).state == S.WAITING
        look(live, broker, number * STEP)
    assert fresh(leg_of(entry)).state == S.CANCELLED


# --- Refused, after an earlier request was lost ----------------------------------------------------------------


def again(live: LiveStrategy, **fields: object) -> Order:
    """An order whose first request was not answered, to be sent again."""
    values: dict[str, object] = {"state": S.PENDING, "attempts": 1, "stop": None, "state_changed_at": NOW} | fields
    return entry_of(live, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("capabilities", [AT_FILL, CARELESS])
def test_a_refusal_of_a_repeated_request_counts_once_the_first_one_is_unlikely(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    broker = connect(monkeypatch, ScriptedBroker(capabilities))
    broker.failing = {"submit": OrderRefused("No shares.")}
    order, wall = again(live), NOW
    execute_order(order.pk, CLOSES[1], wall)
    assert (fresh(order).state, order.reason) == (S.UNKNOWN, "No shares.")
    for _ in range(LOOKS - 1):  # the sender itself has looked once
        assert fresh(order).state == S.UNKNOWN
        wall += STEP
        reconcile(account_now(live), broker, CLOSES[1], wall)
    assert fresh(order).state == S.PENDING
    execute_order(order.pk, CLOSES[1], wall)
    assert (fresh(order).state, order.attempts) == (S.REJECTED, 3)


def test_the_first_request_is_found_after_the_second_was_refused(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = connect(monkeypatch, ScriptedBroker())
    broker.failing = {"submit": OrderRefused("No shares.")}
    order = again(live)
    execute_order(order.pk, CLOSES[1], NOW)
    broker.report_order(order)
    reconcile(account_now(live), broker, CLOSES[1], NOW)
    assert (fresh(order).state, order.absent_looks) == (S.ACCEPTED, 0)


def test_looks_before_a_request_that_was_lost_say_nothing_of_its_refusal(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = connect(monkeypatch, ScriptedBroker())
    order = again(live, attempts=3, state=S.UNKNOWN, absent_looks=LOOKS, absent_since=NOW - OVER)
    reconcile(account_now(live), broker, CLOSES[1], NOW)
    assert (fresh(order).state, order.absent_looks) == (S.PENDING, 0)
    broker.failing = {"submit": OrderRefused("No shares.")}
    execute_order(order.pk, CLOSES[1], NOW)
    assert fresh(order).state == S.UNKNOWN


def test_the_refusal_of_a_first_request_counts_at_once(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = connect(monkeypatch, ScriptedBroker())
    broker.failing = {"submit": OrderRefused("No shares.")}
    order = again(live, attempts=0)
    execute_order(order.pk, CLOSES[1], NOW)
    assert fresh(order).state == S.REJECTED
