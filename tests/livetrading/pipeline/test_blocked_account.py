"""An account that its broker has blocked stays blocked until the broker reports otherwise: nothing else opens the
gate."""

from datetime import timedelta

import pytest

from livetrading.brokers.protocol import OutcomeUnknown
from livetrading.models import BrokerAccount, LiveStrategy, OrderState
from livetrading.pipeline.execute import execute_order
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

S, State = OrderState, BrokerAccount.State


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> ScriptedBroker:
    return connect(monkeypatch, ScriptedBroker())


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice, next_check_at=CLOSES[-1])


@pytest.mark.parametrize("method", ["fills_since", "open_orders", "activities_since", "account", "positions"])
def test_a_blocked_account_stays_blocked_when_its_broker_does_not_answer(
    live: LiveStrategy, broker: ScriptedBroker, method: str
) -> None:
    def tick_at(seconds: int) -> BrokerAccount:
        tick(live.account_id, CLOSES[1] + timedelta(seconds=seconds), WALL)
        return account_now(live)

    broker.blocked = "Margin call"
    assert tick_at(0).state == State.BLOCKED
    broker.failing[method] = OutcomeUnknown("timed out")
    for seconds in (5, 10):
        assert tick_at(seconds).state == State.BLOCKED
    assert "timed out" in account_now(live).state_reason
    assert account_now(live).failures == 2
    entry, held = entry_of(live, state=S.PENDING), entry_of(live, state=S.FILLED)
    leaving = exit_of(held, state=S.PENDING)
    for order in (leaving, entry):  # an entry waits for the exits of its symbol
        execute_order(order.pk, CLOSES[1] + timedelta(seconds=10), WALL)
    assert (fresh(entry).state, fresh(leaving).state) == (S.BLOCKED, S.ACCEPTED)
    assert "blocked this account" in entry.reason
    broker.failing = {}
    assert tick_at(15).state == State.BLOCKED
    broker.blocked = ""
    account = tick_at(20)
    assert (account.state, account.state_reason, account.failures) == (State.CONNECTED, "", 0)


@pytest.mark.parametrize("method", ["fills_since", "account"])
def test_a_connected_account_is_degraded_and_buys_all_the_same(
    live: LiveStrategy, broker: ScriptedBroker, method: str
) -> None:
    broker.failing[method] = OutcomeUnknown("timed out")
    tick(live.account_id, CLOSES[1], WALL)
    assert account_now(live).state == State.DEGRADED
    entry = entry_of(live, state=S.PENDING)
    execute_order(entry.pk, CLOSES[1], WALL)
    assert fresh(entry).state == S.ACCEPTED
