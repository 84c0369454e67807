"""Start, pause and stop a live strategy."""

from datetime import datetime

from django.db import IntegrityError, transaction

from livetrading.models import LiveStrategy
from livetrading.services.queue import enqueue_check_now
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import record

Status = LiveStrategy.Status

# For each action the new status and the statuses it is allowed in.
ACTIONS: dict[str, tuple[LiveStrategy.Status, tuple[LiveStrategy.Status, ...]]] = {
    "start": (Status.ACTIVE, (Status.PAUSED, Status.STOPPED)),
    "pause": (Status.PAUSED, (Status.ACTIVE,)),
    "stop": (Status.STOPPED, (Status.ACTIVE, Status.PAUSED)),
}


class ControlRefused(Exception):
    """The action is not allowed in the strategy's status; the message can be shown to a person."""


def control(
    live: LiveStrategy, action: str, now: datetime, wall_now: datetime, *, actor: User | str | None = None
) -> LiveStrategy:
    """Start, pause or stop `live` with one conditional UPDATE. Open positions stay and keep their stops. actor:
    who does it, the owner by default.

    A started strategy is checked immediately. Raises ControlRefused when the action is not allowed in the
    current status, or when an identical deployment is active.
    """
    to, sources = ACTIONS[action]
    changes: dict[str, object] = {"status": to}
    if to == Status.ACTIVE:
        changes |= {"next_check_at": now, "last_error": "", "failures": 0}
    try:
        with transaction.atomic():
            row = LiveStrategy.objects.filter(pk=live.pk)
            before = row.select_for_update().values_list("status", flat=True).first()
            moved = row.filter(status__in=sources).update(**changes)
            if moved:
                record(actor or live.user, action, live, {"before": before, "after": to}, wall_now)
            if moved and to == Status.ACTIVE:
                transaction.on_commit(lambda: enqueue_check_now(live.pk), robust=True)
    except IntegrityError:
        raise ControlRefused(f"Another deployment with the settings of “{live.name}” is already active.") from None
    live.refresh_from_db()
    if not moved:
        raise ControlRefused(f"“{live.name}” is already {live.get_status_display().lower()}.")
    bump_version(live.user_id)
    return live
