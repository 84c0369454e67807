"""Leaving the expected range: told once for each crossing, with a pause of the entries where that was chosen."""

from datetime import datetime

from django.db import transaction

from livetrading.beside.cone import Place
from livetrading.models import Comparison, LiveStrategy
from livetrading.services.control import ControlRefused, control
from tradedesk.audit.origin import DESK
from tradedesk.audit.services import record
from tradedesk.notifications.events import Event, Priority
from tradedesk.notifications.services import notify

OnLeaving = LiveStrategy.OnLeaving


def note_place(live: LiveStrategy, place: Place, text: str, now: datetime, wall_now: datetime) -> bool:
    """Note on which side of the range the profit is. Returns whether it has just left it.

    The conditional UPDATE lets one worker tell it. Above the range is worth a look, below it money is lost. The
    pause is the one that the trader has: the strategy sends exits, and its open entries are cancelled.
    """
    side = place.outside
    with transaction.atomic():
        changed = Comparison.objects.filter(live_strategy=live).exclude(outside=side).update(outside=side)
        if not changed or not side:
            return False
        pauses = live.on_leaving == OnLeaving.PAUSE or (
            live.on_leaving == OnLeaving.PAUSE_BELOW and place is Place.BELOW
        )
        paused = pauses and _pause(live, now, wall_now)
        priority = Priority.HIGH if place is Place.BELOW else Priority.NORMAL
        told = f"“{live.name}”: {text}{' Its entries are paused.' if paused else ''}"
        notify(live.user, Event.LEFT_RANGE, told, f"/dashboard/live-trading/{live.pk}", now, priority=priority)
        record(DESK, "left_range", live, {"side": side, "paused": paused, "reason": text}, wall_now)
    return True


def _pause(live: LiveStrategy, now: datetime, wall_now: datetime) -> bool:
    try:
        control(live, "pause", now, wall_now, actor=DESK)
    except ControlRefused:  # it is paused or stopped already
        return False
    return True
