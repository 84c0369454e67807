"""When a message is tried again, and how long a failing channel rests."""

from datetime import timedelta

import pytest

from tests.notifications.factories import WALL, later
from tradedesk.notifications.outbox.backoff import MAX_ATTEMPTS, next_attempt, rest_until

# Seconds after each attempt.
TABLE = [30, 120, 600, 1800, 3600, 7200, 14400, 21600, 36000]


@pytest.mark.parametrize(("attempts", "seconds"), list(enumerate(TABLE, start=1)))
def test_the_pauses_grow(attempts: int, seconds: int) -> None:
    assert next_attempt(attempts, WALL) == later(seconds)


def test_after_a_day_it_has_failed() -> None:
    assert timedelta(hours=23) < timedelta(seconds=sum(TABLE)) < timedelta(hours=25)
    assert len(TABLE) + 1 == MAX_ATTEMPTS
    assert next_attempt(MAX_ATTEMPTS, WALL) is None


@pytest.mark.parametrize(("failures", "seconds"), [(1, 30), (2, 60), (3, 120), (5, 480), (6, 900), (4000, 900)])
def test_a_failing_channel_rests_for_a_quarter_of_an_hour_at_most(failures: int, seconds: int) -> None:
    assert rest_until(failures, WALL) == later(seconds)
