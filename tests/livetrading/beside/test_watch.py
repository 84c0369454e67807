"""Leaving the expected range."""

import pytest

from livetrading.beside.cone import Place
from livetrading.beside.watch import note_place
from livetrading.models import Comparison, LiveStrategy
from tests.livetrading.factories import NOW, WALL, make_live_strategy
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord
from tradedesk.notifications.events import Priority

OnLeaving = LiveStrategy.OnLeaving


def left(user: User, on_leaving: str = OnLeaving.NOTIFY, **fields: object) -> LiveStrategy:
    live = make_live_strategy(user=user, on_leaving=on_leaving, **fields)
    Comparison.objects.create(live_strategy=live)
    return live


def at(live: LiveStrategy, place: Place) -> bool:
    return note_place(live, place, "Outside.", NOW, WALL)


def told(live: LiveStrategy) -> list[int]:
    rows = live.user.notifications.filter(event="left_range").order_by("pk")
    return list(rows.values_list("priority", flat=True))


def test_each_crossing_is_told_once_with_a_fitting_severity(alice: User) -> None:
    live = left(alice)
    way = [Place.MIDDLE, Place.LOWER, Place.BELOW, Place.BELOW, Place.LOWER, Place.BELOW, Place.ABOVE, Place.ABOVE]
    assert [at(live, place) for place in way] == [False, False, True, False, False, True, True, False]
    assert told(live) == [Priority.HIGH, Priority.HIGH, Priority.NORMAL]
    sides = AuditRecord.objects.filter(action="left_range").order_by("sequence")
    assert [row.details["side"] for row in sides] == ["below", "below", "above"]
    live.refresh_from_db()
    assert live.status == "active"


@pytest.mark.parametrize(
    ("on_leaving", "place", "status"),
    [
        (OnLeaving.NOTIFY, Place.BELOW, "active"),
        (OnLeaving.PAUSE_BELOW, Place.BELOW, "paused"),
        (OnLeaving.PAUSE_BELOW, Place.ABOVE, "active"),
        (OnLeaving.PAUSE, Place.BELOW, "paused"),
        (OnLeaving.PAUSE, Place.ABOVE, "paused"),
    ],
)
def test_entries_are_paused_where_it_was_chosen(alice: User, on_leaving: str, place: Place, status: str) -> None:
    live = left(alice, on_leaving)
    assert at(live, place)
    live.refresh_from_db()
    assert live.status == status
    paused = AuditRecord.objects.filter(action="pause", subject_id=str(live.pk))
    assert [row.actor for row in paused] == (["the desk"] if status == "paused" else [])
    assert len(told(live)) == 1


def test_one_that_is_stopped_stays_stopped_and_is_told_all_the_same(alice: User) -> None:
    live = left(alice, OnLeaving.PAUSE, status="stopped")
    assert at(live, Place.BELOW)
    live.refresh_from_db()
    assert (live.status, len(told(live))) == ("stopped", 1)
