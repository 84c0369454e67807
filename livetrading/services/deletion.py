"""Delete a live strategy: it disappears from the lists, and everything it did stays with its name."""

from datetime import datetime

from django.db import transaction

from livetrading.models import BrokerAccount, LiveStrategy
from livetrading.models.order import WORKING
from livetrading.services.control import count_held
from livetrading.services.wording import counted
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import record


class NotDeleted(Exception):
    """The strategy stays as it is; the message can be shown to a person."""


def delete_live(live: LiveStrategy, now: datetime, wall_now: datetime, *, actor: User | str | None = None) -> None:
    """Hide `live` and stop it; its signals, orders and trades keep it. Refused while it holds shares or has orders
    at work. A repeated request changes nothing. Raises NotDeleted."""
    with transaction.atomic():
        # With the row lock no fill is booked and no check decides meanwhile.
        BrokerAccount.locked(live.account_id)
        held = count_held(live)
        working = live.orders.filter(state__in=WORKING).count()
        if held or working:
            raise NotDeleted(_refusal(live, held, working))
        row = LiveStrategy.objects.filter(pk=live.pk)
        before = row.values_list("status", flat=True).first()
        if row.update(deleted_at=now, status=LiveStrategy.Status.STOPPED):
            record(actor or live.user, "delete", live, {"before": before, "name": live.name}, wall_now)
    bump_version(live.user_id)


def _refusal(live: LiveStrategy, held: int, working: int) -> str:
    if held:
        return f"“{live.name}” still holds {counted(held, 'open position')}. Close all of it first."
    return f"“{live.name}” still has {counted(working, 'working order')}. Cancel all of them first."
