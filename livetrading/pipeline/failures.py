"""Failed checks: which failures a repetition can mend, when the check is repeated, and the status ERROR."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from livetrading.models import BrokerAccount, LiveStrategy
from livetrading.models.live_strategy import CHECKED
from livetrading.pipeline.kind_code import KindFailed
from livetrading.services.entries import cancel_entries
from strategies.kinds import InvalidParameters
from tradedesk.audit.origin import DESK
from tradedesk.audit.services import Entry, record_all
from tradedesk.bulk import update_columns
from tradedesk.notifications.events import Event
from tradedesk.notifications.services import notify

# A kind whose code fails so often in a row, in the same way, will fail again.
KIND_FAILURES = 3
# The wait after the first failure, in market time; it doubles with each further one, up to the check interval.
FIRST_RETRY = timedelta(seconds=10)
_NUMBER = re.compile(r"[0-9]+")


def is_permanent(error: Exception, kind_failures: int) -> bool:
    """Whether a repetition will not mend it. kind_failures: how often in a row the kind's code failed like this,
    this time included.

    Permanent are a kind that is not there, parameters that it refuses, and code of a kind that fails again and
    again. Everything else may pass: missing or unreadable bars, the database, the broker, the memory.
    """
    return isinstance(error, InvalidParameters) or kind_failures >= KIND_FAILURES


def retry_after(failures: int, check_interval: int) -> timedelta:
    """The wait before a failed check is repeated, in market time. failures: in a row; check_interval: seconds."""
    doubled = FIRST_RETRY * (1 << min(failures - 1, 20))
    return min(doubled, timedelta(seconds=check_interval))


def record_failures(errors: Mapping[int, Exception], now: datetime, wall_now: datetime) -> None:
    """Record why these checks failed, by the id of the strategy. What may pass is tried again; what does not sets
    the status ERROR."""
    failed = list(LiveStrategy.objects.select_related("user").filter(pk__in=list(errors)))
    for live in failed:
        error = errors[live.pk]
        text = _text(error)
        if isinstance(error, KindFailed):
            live.kind_failures = live.kind_failures + 1 if _alike(live.last_error, text) else 1
        else:
            live.kind_failures = 0
        live.last_error = text
        live.failures += 1
        live.last_check_at, live.next_check_at = now, now + retry_after(live.failures, live.check_interval)
    fields = ("last_error", "failures", "kind_failures", "last_check_at", "next_check_at")
    update_columns(failed, fields)
    for live in failed:
        if is_permanent(errors[live.pk], live.kind_failures):
            _set_error(live, now, wall_now)


def _set_error(live: LiveStrategy, now: datetime, wall_now: datetime) -> None:
    """Set the status ERROR, unless it was stopped meanwhile."""
    with transaction.atomic():
        BrokerAccount.locked(live.account_id)
        row = LiveStrategy.objects.filter(pk=live.pk, status__in=CHECKED)
        if not row.update(status=LiveStrategy.Status.ERROR):
            return
        cancelled = cancel_entries(live, "The strategy has stopped with an error.", wall_now)
        text = f"“{live.name}” has stopped with an error: {live.last_error} What it holds keeps its protection."
        notify(live.user, Event.STRATEGY_ERROR, text, f"/dashboard/live-trading/{live.pk}", now)
        details = {"before": live.status, "after": "error", "why": live.last_error}
        record_all([Entry(DESK, "error", live, details), *cancelled], wall_now)


def _alike(one: str, other: str) -> bool:
    """Whether two messages are the same but for their numbers, such as the number of bars."""
    return _NUMBER.sub("", one) == _NUMBER.sub("", other)


def _text(error: Exception) -> str:
    return f"The last check failed: {str(error) or type(error).__name__}"[:300]
