"""What a user wants to be told, and where: one choice for each event and place."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Case, Count, OuterRef, Q, QuerySet, Subquery, When

from tradedesk.accounts.models import User
from tradedesk.audit.services import record
from tradedesk.notifications.events import Event
from tradedesk.notifications.models import Channel, Delivery, EventChoice

INBOX = "inbox"


@dataclass(frozen=True, slots=True)
class Cell:
    """key: of the check box, such as "halt:inbox". fixed: it is always on."""

    key: str
    label: str
    wanted: bool
    fixed: bool


@dataclass(frozen=True, slots=True)
class Row:
    event: Event
    cells: Sequence[Cell]


def channels_of(user: User) -> QuerySet[Channel]:
    """The user's channels with `waiting`, the number of messages that are not sent yet, and the state, the error
    and the time of the latest test. One query."""
    tests = Delivery.objects.filter(channel=OuterRef("pk"), notification=None).order_by("-finished_at")
    # An open test has no time yet; it is the latest.
    open_test = tests.filter(finished_at=None).values("state")[:1]
    waiting = Q(deliveries__state__in=("pending", "sending"), deliveries__notification__isnull=False)
    return user.channels.annotate(
        waiting=Count("deliveries", filter=waiting),
        test_open=Subquery(open_test),
        test_state=Subquery(tests.exclude(finished_at=None).values("state")[:1]),
        test_error=Subquery(tests.exclude(finished_at=None).values("last_error")[:1]),
        tested_at=Subquery(tests.exclude(finished_at=None).values("finished_at")[:1]),
    )


def rows_of(user: User, channels: Iterable[Channel]) -> list[Row]:
    """A row for each event, a cell for the inbox and for each channel. One query."""
    chosen: dict[tuple[str, uuid.UUID | None], bool] = {
        (event, channel): wanted
        for event, channel, wanted in user.event_choices.values_list("event", "channel", "wanted")
    }
    channels = list(channels)
    rows = []
    for event in Event:
        fixed = not event.can_be_muted
        wanted = fixed or chosen.get((event.value, None), True)
        cells = [Cell(f"{event.value}:{INBOX}", f"{event.label}: inbox", wanted, fixed)]
        for channel in channels:
            wanted = chosen.get((event.value, channel.pk), event.goes_out)
            cells.append(Cell(f"{event.value}:{channel.pk}", f"{event.label}: {channel.name}", wanted, False))
        rows.append(Row(event, cells))
    return rows


def save_choices(
    user: User,
    wanted: Iterable[str],
    shown: Iterable[str],
    on_replay: Iterable[str] | None,
    wall_now: datetime,
) -> None:
    """wanted: the keys of the cells that are on. shown: the ids of the channels that the page had; their other
    cells, and those of the inbox, are off. on_replay: the ids of the channels that also get what happens on the
    replay market; None leaves that as it is. A channel that the page did not have keeps its choices, and one that
    is gone is ignored.

    Only what differs from the event's default is stored, so a later default counts for those who did not choose.
    """
    keys, ids = set(wanted), set(shown)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        channels = [channel for channel in user.channels.all() if str(channel.pk) in ids]
        before = _chosen(user, channels)
        user.event_choices.filter(Q(channel=None) | Q(channel__in=channels)).delete()
        choices = []
        for event in Event:
            if event.can_be_muted and f"{event.value}:{INBOX}" not in keys:
                choices.append(EventChoice(user=user, event=event.value, wanted=False))
            for channel in channels:
                is_wanted = f"{event.value}:{channel.pk}" in keys
                if is_wanted != event.goes_out:
                    choices.append(EventChoice(user=user, event=event.value, channel=channel, wanted=is_wanted))
        EventChoice.objects.bulk_create(choices)
        if on_replay is not None:
            replaying = set(on_replay)
            chosen = [channel.pk for channel in channels if str(channel.pk) in replaying]
            shown_ones = user.channels.filter(pk__in=[channel.pk for channel in channels])
            shown_ones.update(on_replay=Case(When(pk__in=chosen, then=True), default=False))
        after = _chosen(user, user.channels.filter(pk__in=[channel.pk for channel in channels]))
        details = {"on": sorted(after - before), "off": sorted(before - after)}
        if before != after:
            record(user, "notifications_chosen", user, details, wall_now)


def _chosen(user: User, channels: Iterable[Channel]) -> set[str]:
    """What goes where, in words."""
    channels = list(channels)
    cells = {cell.label for row in rows_of(user, channels) for cell in row.cells if cell.wanted}
    return cells | {f"Replay market: {channel.name}" for channel in channels if channel.on_replay}
