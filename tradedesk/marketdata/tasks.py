import logging
import threading
import time

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from tradedesk.marketdata import assets, download_requests, downloading, keeping, replay, updating, uploads
from tradedesk.marketdata.feeds.protocol import FeedFailed
from tradedesk.publishing import publish

log = logging.getLogger(__name__)

# Beat comes once a second. A replay that hurries is asked several times until it comes again, by one thread of a
# process at a time: on a slow machine the others have the work of the session to do.
TURNS, BETWEEN = 4, 0.25
_hurrying = threading.Lock()


@shared_task(name="tradedesk.marketdata.tasks.advance_replay")
def advance_replay() -> None:
    """Move the replay to its next session, once the current one has been shown long enough."""
    replay.advance(timezone.now())
    if not _hurrying.acquire(blocking=False):
        return
    try:
        for _ in range(TURNS - 1):
            if not replay.is_hurrying():
                return
            time.sleep(BETWEEN)
            replay.advance(timezone.now())
    finally:
        _hurrying.release()


@shared_task(name="tradedesk.marketdata.tasks.delete_old_uploads")
def delete_old_uploads() -> None:
    """Delete files that were sent and neither imported nor discarded."""
    uploads.delete_old(timezone.now())


@shared_task(name="tradedesk.marketdata.tasks.plan_updates")
def plan_updates() -> None:
    """Find the series in use of all users; only where bars come from Alpaca."""
    if settings.MARKET == "alpaca":
        updating.plan_updates(timezone.now())


@shared_task(name="tradedesk.marketdata.tasks.update_bars")
def update_bars() -> None:
    """Ask for the bars that have just closed."""
    if settings.MARKET == "alpaca":
        updating.update_due(timezone.now)


@shared_task(name="tradedesk.marketdata.tasks.refresh_kept_series")
def refresh_kept_series() -> None:
    """After each session, queue the download of what users keep up to date; and delete old downloads."""
    keeping.refresh_due(timezone.now())
    download_requests.delete_old(timezone.now())


@shared_task(name="tradedesk.marketdata.tasks.continue_downloads")
def continue_downloads() -> None:
    """Find downloads whose message or worker was lost."""
    if downloading.has_work(timezone.now()):
        publish(download_requests.RUN_TASK, [()])


@shared_task(name=download_requests.RUN_TASK)
def run_downloads() -> None:
    downloading.run_downloads(timezone.now)


@shared_task(name=assets.REFRESH_TASK)
def refresh_assets(user_id: int) -> None:
    """Read the list of shares to search in. Without it, a symbol can still be typed."""
    try:
        assets.refresh(user_id, timezone.now())
    except FeedFailed as failure:
        log.warning("The list of shares could not be read: %s", failure)
