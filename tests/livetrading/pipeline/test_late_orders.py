"""Orders that are sent late, or not at all: an entry is meant for one bar, an exit for any."""

from datetime import datetime, timedelta

import pytest

from livetrading.brokers.protocol import OutcomeUnknown
from livetrading.models import Incident, LiveStrategy, Order, OrderState
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.gate import TOO_LATE
from livetrading.summaries.health import trading_findings
from tests.livetrading.factories import make_live_strategy
from tests.livetrading.made_bars import CLOSES
from tests.livetrading.pipeline.desk import WALL
from tests.livetrading.pipeline.scripted_broker import (
    ScriptedBroker,
    connect,
    entry_of,
    exit_of,
    fresh,
    run_reconcile,
)
from tradedesk.accounts.models import User
from tradedesk.monitoring.findings import State
from tradedesk.notifications.models import Notification

S = OrderState
MINUTE, INSTANT = timedelta(minutes=1), timedelta(microseconds=1)
# During a session: an hour before its close.
MIDDAY = CLOSES[1] - 60 * MINUTE


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> ScriptedBroker:
    return connect(monkeypatch, ScriptedBroker())


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


def send(order: Order, now: datetime) -> Order:
    execute_order(order.pk, now, WALL)
    return fresh(order)


@pytest.mark.parametrize(
    ("timeframe", "made", "closed"),
    [
        pytest.param("1Day", CLOSES[1], CLOSES[2], id="daily"),
        pytest.param("1Day", CLOSES[4], CLOSES[5], id="daily, over a weekend"),
        pytest.param("1Hour", MIDDAY, CLOSES[1], id="hourly"),
        pytest.param("1Hour", CLOSES[1], CLOSES[2] - 330 * MINUTE, id="hourly, at the close"),
    ],
)
def test_an_entry_is_sent_until_the_bar_that_it_is_meant_for_has_closed(
    live: LiveStrategy, broker: ScriptedBroker, timeframe: str, made: datetime, closed: datetime
) -> None:
    entries = [
        entry_of(live, symbol=symbol, state=S.PENDING, stop=None, timeframe=timeframe, created_at=made)
        for symbol in ("AAPL", "IBM", "MSFT")
    ]
    assert send(entries[0], made).state == S.ACCEPTED
    assert send(entries[1], closed - INSTANT).state == S.ACCEPTED
    late = send(entries[2], closed)
    assert late.state == S.BLOCKED
    assert late.reason == TOO_LATE
    assert late.reason in Notification.objects.get(user=live.user).text
    assert [request.symbol for request in broker.submitted] == ["AAPL", "IBM"]


@pytest.mark.parametrize("timeframe", ["1Day", "1Hour"])
@pytest.mark.parametrize("purpose", ["exit", "stop_loss"])
def test_an_exit_is_sent_however_late(
    live: LiveStrategy, broker: ScriptedBroker, purpose: str, timeframe: str
) -> None:
    entry = entry_of(live, stop=None, state=S.FILLED)
    order = exit_of(entry, purpose=purpose, timeframe=timeframe, created_at=CLOSES[1], state=S.PENDING)
    assert send(order, CLOSES[9]).state == S.ACCEPTED


def test_an_entry_that_the_broker_has_is_not_blocked_when_it_is_late(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    broker.lose_responses = True
    entry = entry_of(live, state=S.PENDING, stop=None)
    assert send(entry, CLOSES[1]).state == S.UNKNOWN
    Order.objects.update(state=S.PENDING)
    assert send(entry, CLOSES[3]).state == S.ACCEPTED
    assert len(broker.submitted) == 1


# --- Not at all ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OutcomeUnknown("timed out"), ValueError("not JSON")])
def test_an_order_that_cannot_be_sent_again_and_again_is_one_incident_until_it_is_accepted(
    live: LiveStrategy, broker: ScriptedBroker, error: Exception
) -> None:
    broker.failing["submit"] = error
    order, other = (entry_of(live, symbol=symbol, state=S.PENDING, stop=None) for symbol in ("AAPL", "IBM"))
    LiveStrategy.objects.update(next_check_at=CLOSES[-1])
    unsent = Incident.objects.filter(kind=Incident.Kind.UNSENT_ORDER)
    for attempt in range(1, 6):
        assert send(order, CLOSES[1]).state == S.UNKNOWN
        assert unsent.count() == Notification.objects.count() == int(attempt >= 3)
        assert ("1 order could not be sent" in trading_findings(WALL)["orders"].text) == (attempt >= 3)
        run_reconcile(live, broker)
        assert fresh(order).state == S.PENDING
    incident = unsent.get()
    assert (incident.key, incident.order, incident.resolved_at) == (order.client_order_id, order, None)
    assert incident.reported_at == CLOSES[1]
    broker.failing = {}
    assert send(other, CLOSES[1]).state == S.ACCEPTED
    incident.refresh_from_db()
    assert incident.resolved_at is None, "another order says nothing about this one"
    assert send(order, CLOSES[1] + MINUTE).state == S.ACCEPTED
    incident.refresh_from_db()
    assert incident.resolved_at == CLOSES[1] + MINUTE
    assert Notification.objects.count() == 1
    assert trading_findings(WALL)["orders"].state == State.OK
