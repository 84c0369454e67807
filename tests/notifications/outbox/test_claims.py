"""Rows of the outbox are claimed by one worker, and tried again as long as somebody may want them."""

import pytest

from tests.livetrading.at_once import at_once
from tests.notifications.factories import WALL, later, make_channel, states, tell
from tradedesk.accounts.models import User
from tradedesk.notifications.events import Priority
from tradedesk.notifications.managing import send_test
from tradedesk.notifications.models import Channel, Delivery
from tradedesk.notifications.outbox.backoff import MAX_ATTEMPTS
from tradedesk.notifications.outbox.claims import (
    BATCH,
    LEASE,
    Claimed,
    claim_batch,
    give_back,
    record_channel_fails,
    record_channel_works,
    record_failure,
    record_sent,
    take,
)


def claim(wall_now: object = WALL) -> Claimed:
    claimed = claim_batch(wall_now)  # type: ignore[arg-type]
    assert claimed is not None
    return claimed


def test_a_row_is_claimed_once(alice: User) -> None:
    make_channel(alice)
    tell(alice)
    claimed = claim()
    assert [delivery.attempts for delivery in claimed.deliveries] == [1]
    assert claim_batch(later(1)) is None
    assert record_sent(claimed.claim, claimed.deliveries[0], later(2))
    assert states() == ["sent"]
    assert claim_batch(later(1000)) is None


def test_of_two_workers_that_read_the_same_rows_one_takes_each(alice: User) -> None:
    make_channel(alice)
    for _ in range(3):
        tell(alice)
    ids = list(Delivery.objects.values_list("pk", flat=True))
    assert take(ids[:1], "first", WALL) == 1
    assert take(ids, "second", WALL) == 2
    assert take(ids, "third", WALL) == 0
    assert Delivery.objects.get(pk=ids[0]).claim == "first"
    assert take(ids, "fourth", WALL + LEASE) == 3


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_claim_each_row_once(alice: User) -> None:
    make_channel(alice)
    for _ in range(BATCH * 3):
        tell(alice)
    found = at_once(*[lambda: claim_batch(WALL)] * 4)
    ids = [delivery.pk for claimed in found if claimed for delivery in claimed.deliveries]
    assert 0 < len(ids) == len(set(ids)) == Delivery.objects.filter(state="sending").count()


def test_a_worker_that_was_killed_is_followed_by_another_with_the_same_ids(alice: User) -> None:
    """It may have sent: at least once, and the receiver knows the id."""
    make_channel(alice)
    tell(alice)
    first = claim()
    assert claim_batch(WALL + LEASE / 2) is None
    second = claim(WALL + LEASE)
    assert [delivery.pk for delivery in second.deliveries] == [delivery.pk for delivery in first.deliveries]
    # What the first one says now does not count.
    assert not record_sent(first.claim, first.deliveries[0], WALL + LEASE)
    assert not record_failure(first.claim, first.deliveries[0], "Late.", WALL + LEASE)
    assert record_sent(second.claim, second.deliveries[0], WALL + LEASE)
    assert states() == ["sent"]


def test_a_message_that_kills_its_workers_is_given_up(alice: User) -> None:
    make_channel(alice)
    tell(alice)
    for attempt in range(MAX_ATTEMPTS):
        claim(WALL + LEASE * attempt)
    assert claim_batch(WALL + LEASE * MAX_ATTEMPTS) is None
    assert states() == ["failed"]


def test_a_failure_is_tried_again_after_its_pause_until_it_has_failed(alice: User) -> None:
    make_channel(alice)
    tell(alice)
    now, attempts = WALL, 0
    while (claimed := claim_batch(now)) is not None:
        attempts += 1
        delivery = claimed.deliveries[0]
        assert record_failure(claimed.claim, delivery, "No answer.", now)
        delivery.refresh_from_db()
        assert delivery.last_error == "No answer."
        now = delivery.next_attempt_at or now
        if delivery.state == "failed":
            break
    assert (attempts, states()) == (MAX_ATTEMPTS, ["failed"])


def test_what_is_urgent_goes_first(alice: User) -> None:
    make_channel(alice)
    for priority in (Priority.LOW, Priority.CRITICAL, Priority.NORMAL, Priority.CRITICAL):
        tell(alice, priority=priority)
    claimed = claim()
    assert [delivery.priority for delivery in claimed.deliveries] == [4, 4, 2, 1]
    notifications = [delivery.notification_id for delivery in claimed.deliveries]
    assert notifications[0] < notifications[1]  # type: ignore[operator]


def test_a_batch_is_bounded_and_the_channels_take_turns(alice: User, bob: User) -> None:
    flooding, quiet = make_channel(alice), make_channel(bob)
    for _ in range(BATCH + 5):
        tell(alice)
    tell(bob)
    turns = []
    for second in range(3):
        claimed = claim(later(second))
        turns.append((claimed.channel.pk, len(claimed.deliveries)))
        for delivery in claimed.deliveries:
            record_sent(claimed.claim, delivery, later(second))
    assert sorted(turns[:2], key=str) == sorted([(flooding.pk, BATCH), (quiet.pk, 1)], key=str)
    assert turns[2] == (flooding.pk, 5)


def test_a_busy_channel_is_left_alone_and_the_others_go_on(alice: User) -> None:
    first = make_channel(alice, name="First")
    tell(alice)
    assert claim().channel == first
    tell(alice)
    assert claim_batch(later(1)) is None
    make_channel(alice, name="Second")
    tell(alice)
    assert claim(later(2)).channel.name == "Second"


def test_a_failing_channel_rests_and_is_tried_again(alice: User) -> None:
    channel = make_channel(alice)
    tell(alice)
    claimed = claim()
    give_back(claimed.claim, claimed.deliveries)
    assert record_channel_fails(channel, "No answer.", WALL)
    channel.refresh_from_db()
    assert not record_channel_fails(channel, "No answer.", later(10))
    assert claim_batch(later(20)) is None
    channel.refresh_from_db()
    assert (channel.failing_since, channel.failures, channel.last_error) == (WALL, 2, "No answer.")
    assert channel.retry_at == later(70)
    claimed = claim(later(70))
    assert claimed.deliveries[0].attempts == 1  # what was given back does not count
    record_channel_works(channel, later(71))
    channel.refresh_from_db()
    assert (channel.failing_since, channel.retry_at, channel.failures, channel.last_error) == (None, None, 0, "")


def test_a_test_does_not_rest_and_has_one_attempt(alice: User) -> None:
    channel = make_channel(alice, retry_at=later(1000), failing_since=WALL)
    tell(alice)
    assert send_test(channel)
    assert not send_test(channel)  # one at a time
    claimed = claim()
    assert [delivery.notification_id for delivery in claimed.deliveries] == [None]
    record_failure(claimed.claim, claimed.deliveries[0], "No.", later(1))
    assert Delivery.objects.get(notification=None).state == "failed"
    assert send_test(Channel.objects.get())
