"""The rows of the outbox are written with the notification, for the channels that the user wants."""

from contextlib import suppress

import pytest
from django.db import transaction
from pytest_django import DjangoAssertNumQueries, Settings

from tests.notifications.factories import NOW, make_channel, tell
from tradedesk.accounts.models import User
from tradedesk.notifications.events import Event, Priority
from tradedesk.notifications.models import Delivery, EventChoice
from tradedesk.notifications.outbox import enqueue
from tradedesk.notifications.services import count_unread, notify


def sent_to() -> set[str]:
    return set(Delivery.objects.values_list("channel__name", flat=True))


def test_each_channel_of_the_user_gets_one(alice: User, bob: User) -> None:
    make_channel(alice, name="One")
    make_channel(alice, name="Two")
    make_channel(bob, name="His")
    tell(alice)
    assert sent_to() == {"One", "Two"}
    row = Delivery.objects.first()
    assert row is not None
    assert (row.state, row.attempts, row.next_attempt_at, row.priority) == ("pending", 0, None, Priority.HIGH)


def test_what_is_rolled_back_sends_nothing(alice: User) -> None:
    make_channel(alice)
    with suppress(RuntimeError), transaction.atomic():
        tell(alice)
        raise RuntimeError
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("event", list(Event))
def test_without_a_choice_the_event_decides(alice: User, event: Event) -> None:
    make_channel(alice)
    notify(alice, event, "Text.", "", NOW)
    assert Delivery.objects.exists() == event.goes_out


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("event", [Event.DEPLOYED, Event.HALT])
def test_a_choice_counts_for_its_channel_alone(alice: User, event: Event, wanted: bool) -> None:
    chosen, _ = make_channel(alice, name="Chosen"), make_channel(alice, name="Other")
    EventChoice.objects.create(user=alice, event=event, channel=chosen, wanted=wanted)
    notify(alice, event, "Text.", "", NOW)
    assert ("Chosen" in sent_to(), "Other" in sent_to()) == (wanted, event.goes_out)


@pytest.mark.parametrize(("event", "unread"), [(Event.DEPLOYED, 0), (Event.KILL_SWITCH, 1)])
def test_what_is_switched_off_in_the_inbox_is_kept_there_and_does_not_ring(
    alice: User, event: Event, unread: int
) -> None:
    EventChoice.objects.create(user=alice, event=event, wanted=False)
    notify(alice, event, "Text.", "", NOW)
    assert (alice.notifications.count(), count_unread(alice)) == (1, unread)


@pytest.mark.parametrize(
    ("market", "on_replay", "rows"), [("replay", False, 0), ("replay", True, 1), ("real", False, 1)]
)
def test_the_replay_market_is_sent_only_where_it_is_wanted(
    alice: User, settings: Settings, market: str, on_replay: bool, rows: int
) -> None:
    settings.MARKET = market
    make_channel(alice, on_replay=on_replay)
    tell(alice)
    assert Delivery.objects.count() == rows


def test_a_channel_that_does_not_get_through_gets_no_more_but_what_is_urgent(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enqueue, "MOST_WAITING", 3)
    monkeypatch.setattr(enqueue, "MOST_WAITING_URGENT", 5)
    make_channel(alice)
    for _ in range(5):
        tell(alice, priority=Priority.NORMAL)
    assert Delivery.objects.count() == 3
    for _ in range(5):
        tell(alice, priority=Priority.CRITICAL)
    assert (Delivery.objects.count(), alice.notifications.count()) == (5, 10)


@pytest.mark.parametrize("channels", [0, 1, 10])
def test_the_number_of_queries_is_constant(
    alice: User, channels: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(channels):
        make_channel(alice, name=str(number))
    # The choices, the notification, the channels, and their rows.
    with transaction.atomic(), django_assert_max_num_queries(4):
        tell(alice)


def test_deleting_a_channel_drops_what_it_has_not_sent(alice: User) -> None:
    gone, _ = make_channel(alice, name="Gone"), make_channel(alice, name="Stays")
    tell(alice)
    gone.delete()
    assert sent_to() == {"Stays"}
