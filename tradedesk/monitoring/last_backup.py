"""When the last backup was made, and why the last one that the desk wanted to make was not."""

import logging
from datetime import datetime, timedelta

from django.core.cache import caches
from django.db import DatabaseError

from tradedesk.monitoring.models import LastBackup

# In the cache of the database, which all processes share.
FAILURE = "backup-failed"
KEPT_FOR = timedelta(days=30)
log = logging.getLogger(__name__)


def record_backup(wall_now: datetime) -> None:
    """A backup was made, by the desk or by another tool."""
    LastBackup.objects.update_or_create(pk=1, defaults={"at": wall_now})
    _store(None)


def last_backup() -> datetime | None:
    return LastBackup.objects.values_list("at", flat=True).first()


def record_failure(reason: str, wall_now: datetime) -> None:
    _store((wall_now.isoformat(), reason))


def last_failure() -> tuple[datetime, str] | None:
    """Since the last backup: when, and the reason as a sentence."""
    stored = caches["database"].get(FAILURE)
    return (datetime.fromisoformat(stored[0]), stored[1]) if stored else None


def _store(failure: tuple[str, str] | None) -> None:
    """The backup itself does not depend on it."""
    try:
        if failure is None:
            caches["database"].delete(FAILURE)
        else:
            caches["database"].set(FAILURE, failure, KEPT_FOR.total_seconds())
    except DatabaseError:
        log.exception("What became of the backup could not be noted.")
