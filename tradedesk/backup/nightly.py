"""The backup of every night: due at BACKUP_TIME, made later where the desk was off, and tried again after a
failure."""

import logging
import sqlite3
from datetime import UTC, datetime, time, timedelta

import psycopg
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Min

from tradedesk.backup import AlreadyAtWork, CannotBackUp
from tradedesk.backup.make import back_up
from tradedesk.monitoring.last_backup import last_backup, last_failure, record_failure

# After a failure.
PAUSE = timedelta(hours=1)
log = logging.getLogger(__name__)


def make_if_due(wall_now: datetime) -> None:
    """Make the backup of this night, unless it is made or another process is at it. A failure is stored for the
    health and tried again an hour later."""
    at = settings.BACKUP_TIME
    if at is None or not is_due(last_backup(), _created_at(), wall_now, at):
        return
    failure = last_failure()
    if failure is not None and abs(wall_now - failure[0]) < PAUSE:
        return
    try:
        made = back_up(settings.BACKUP_DIR, wall_now, keep=settings.BACKUP_KEEP)
    except AlreadyAtWork:
        return
    except (CannotBackUp, OSError, sqlite3.Error, psycopg.Error) as error:
        log.exception("The nightly backup failed")
        record_failure(" ".join(str(error).split())[:300] or type(error).__name__, wall_now)
        return
    log.info("The nightly backup is in %s", made.folder)


def is_due(last: datetime | None, created: datetime, wall_now: datetime, at: time) -> bool:
    """Whether neither the last backup nor the desk itself is younger than the last time of the day `at` (UTC). A
    time in the future, before the clock went back, has no meaning."""
    scheduled = datetime.combine(wall_now.astimezone(UTC).date(), at, UTC)
    if scheduled > wall_now:
        scheduled -= timedelta(days=1)
    return all(moment < scheduled for moment in (last, created) if moment is not None and moment <= wall_now)


def _created_at() -> datetime:
    first = MigrationRecorder(connection).migration_qs.aggregate(first=Min("applied"))["first"]
    return first or datetime.min.replace(tzinfo=UTC)
