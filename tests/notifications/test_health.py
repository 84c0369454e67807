"""Notifications that nobody sends are a part of the desk's health."""

from datetime import timedelta

import pytest

from tests.notifications.factories import WALL, later, make_channel, tell
from tradedesk.accounts.models import User
from tradedesk.monitoring.findings import State, probes
from tradedesk.notifications.health import DEADLINE, outbox_findings
from tradedesk.notifications.models import Delivery

LATE = WALL + DEADLINE + timedelta(seconds=1)


@pytest.fixture
def waiting(alice: User) -> Delivery:
    make_channel(alice)
    tell(alice)
    Delivery.objects.update(queued_at=WALL)
    return Delivery.objects.get()


def test_one_that_waits_beyond_the_deadline_is_said(waiting: Delivery) -> None:
    assert outbox_findings(WALL + DEADLINE)["outbox"].state == State.OK
    found = outbox_findings(LATE)["outbox"]
    assert (found.state, found.text.startswith("1 waiting")) == (State.WARNING, True)
    assert "outbox" in {part for probe in probes() for part in probe.parts}


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "sent", "attempts": 1},
        {"state": "sending", "attempts": 1, "lease_until": later(500)},
        {"attempts": 1, "next_attempt_at": later(3600)},
    ],
)
def test_one_that_was_tried_does_not_count(waiting: Delivery, fields: dict[str, object]) -> None:
    Delivery.objects.update(**fields)
    assert outbox_findings(LATE)["outbox"].state == State.OK


def test_those_of_a_failing_channel_do_not_count(waiting: Delivery, alice: User) -> None:
    alice.channels.update(failing_since=WALL)
    assert outbox_findings(LATE)["outbox"].state == State.OK
