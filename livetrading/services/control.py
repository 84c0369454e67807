"""Start, pause and stop a live strategy."""

from datetime import datetime
from typing import NamedTuple

from django.db import IntegrityError, transaction

from livetrading.models import BrokerAccount, LiveStrategy
from livetrading.models.trade import trades_of
from livetrading.services.deploy import room_problem
from livetrading.services.entries import cancel_entries
from livetrading.services.queue import enqueue_check_now
from livetrading.services.wording import counted
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import Entry, record_all

Status = LiveStrategy.Status

# For each action the new status and the statuses it is allowed in.
ACTIONS: dict[str, tuple[LiveStrategy.Status, tuple[LiveStrategy.Status, ...]]] = {
    "start": (Status.ACTIVE, (Status.PAUSED, Status.STOPPED, Status.ERROR)),
    "pause": (Status.PAUSED, (Status.ACTIVE,)),
    "stop": (Status.STOPPED, (Status.ACTIVE, Status.PAUSED, Status.ERROR)),
}
_IS = {
    Status.ACTIVE: "is already active",
    Status.PAUSED: "is already paused",
    Status.STOPPED: "is already stopped",
    Status.ERROR: "has stopped with an error",
}


class ControlRefused(Exception):
    """The action is not allowed in the strategy's status; the message can be shown to a person."""


class Controlled(NamedTuple):
    """live: with its new status. held: the number of open lots, which stay and keep their protection."""

    live: LiveStrategy
    held: int


def control(
    live: LiveStrategy, action: str, now: datetime, wall_now: datetime, *, actor: User | str | None = None
) -> Controlled:
    """Start, pause or stop `live` with one conditional UPDATE. actor: who does it, the owner by default.

    A paused strategy sends exits and no entries, a stopped one sends neither; what is held keeps its stops. An
    entry that is on its way or at the broker is cancelled. A started strategy is checked immediately. Raises
    ControlRefused when the action is not allowed in the current status, when the account is revoked, when an
    identical deployment is active, or when the user has no room for one more.
    """
    to, sources = ACTIONS[action]
    changes: dict[str, object] = {"status": to}
    if to == Status.ACTIVE:
        changes |= {"next_check_at": now, "last_error": "", "failures": 0, "kind_failures": 0}
    try:
        with transaction.atomic():
            # With the row lock, a check has either written its entries before, or finds the new status.
            account = BrokerAccount.locked(live.account_id)
            if to == Status.ACTIVE and account.revoked:
                raise ControlRefused(
                    f"The account “{account.name}” is revoked. Deploy the strategy in another one."
                )
            row = LiveStrategy.objects.filter(pk=live.pk)
            before = row.values_list("status", flat=True).first()
            if before is None:
                raise ControlRefused(f"“{live.name}” was deleted.")
            if to == Status.ACTIVE and before == Status.STOPPED and (problem := room_problem(live.user_id)):
                raise ControlRefused(problem)
            moved = row.filter(status__in=sources).update(**changes)
            if moved and to == Status.ACTIVE:
                transaction.on_commit(lambda: enqueue_check_now(live.pk), robust=True)
            by, cancelled = actor or live.user, list[Entry]()
            if moved and to != Status.ACTIVE:
                cancelled = cancel_entries(live, f"The strategy was {to.label.lower()}.", wall_now, by)
            if moved:
                record_all([Entry(by, action, live, {"before": before, "after": to}), *cancelled], wall_now)
            live.refresh_from_db()
    except IntegrityError:
        raise ControlRefused(f"Another deployment with the settings of “{live.name}” is already active.") from None
    if not moved:
        raise ControlRefused(f"“{live.name}” {_IS[Status(live.status)]}.")
    bump_version(live.user_id)
    return Controlled(live, count_held(live))


def count_held(live: LiveStrategy) -> int:
    """The number of open lots of this strategy."""
    return trades_of(live, live.mode).filter(exit_time=None).count()


def controlled_message(live: LiveStrategy, held: int) -> str:
    """What the action means, for the page: the new status, and what becomes of the open lots."""
    text = f"“{live.name}” is {live.get_status_display().lower()}."
    if live.status == Status.ACTIVE or not held:
        return text
    lots = counted(held, "open position")
    if live.status == Status.PAUSED:
        return f"{text} It makes no entries. Its exits and the stops of its {lots} go on."
    return f"{text} It still holds {lots}, with the stops on. To sell, press Close positions."
