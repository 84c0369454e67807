"""Start, pause and stop of a live strategy, and what is noted when its check fails."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from livetrading.models import LiveStrategy
from livetrading.services.queue import enqueue_check_now
from tradedesk.accounts.changes import bump_version

Status = LiveStrategy.Status

# The action, the state it leads to and the states it may follow.
ACTIONS: dict[str, tuple[LiveStrategy.Status, tuple[LiveStrategy.Status, ...]]] = {
    "start": (Status.ACTIVE, (Status.PAUSED, Status.STOPPED)),
    "pause": (Status.PAUSED, (Status.ACTIVE,)),
    "stop": (Status.STOPPED, (Status.ACTIVE, Status.PAUSED)),
}


class ControlRefused(Exception):
    """The action does not fit the strategy's state; the message can be shown to a person."""


def control(live: LiveStrategy, action: str, now: datetime) -> LiveStrategy:
    """Start, pause or stop `live`: one conditional UPDATE. Open positions stay, protected by their stops.

    A start is checked at once. Raises ControlRefused when it is in that state already, or when the same
    deployment is active elsewhere.
    """
    to, sources = ACTIONS[action]
    changes: dict[str, object] = {"status": to}
    if to == Status.ACTIVE:
        changes |= {"next_check_at": now, "claimed_until": None, "last_error": ""}
    try:
        with transaction.atomic():
            moved = LiveStrategy.objects.filter(pk=live.pk, status__in=sources).update(**changes)
            if moved and to == Status.ACTIVE:
                transaction.on_commit(lambda: enqueue_check_now(live.pk))
    except IntegrityError:
        raise ControlRefused(f"“{live.name}” is already active in another deployment.") from None
    live.refresh_from_db()
    if not moved:
        raise ControlRefused(f"“{live.name}” is {live.get_status_display().lower()} already.")
    bump_version(live.user_id)
    return live


def record_error(live_id: int, error: Exception, now: datetime) -> None:
    """Note why a check failed; the next one comes after check_interval as usual."""
    text = str(error) or type(error).__name__
    live = LiveStrategy.objects.only("user_id", "check_interval").filter(pk=live_id).first()
    if live is None:
        return  # deleted while it was checked
    LiveStrategy.objects.filter(pk=live_id).update(
        last_error=f"The last check failed: {text}"[:300],
        last_check_at=now,
        next_check_at=now + timedelta(seconds=live.check_interval),
        claimed_until=None,
    )
    bump_version(live.user_id)
