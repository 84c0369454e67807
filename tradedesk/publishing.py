"""Publishing tasks: it never raises and never waits long.

The database decides what is waiting, so a message that cannot be published is not an error: a recovery task of
beat finds the work. After a failure the queue is left alone for RETRY_SECONDS, so that a page which publishes
several times waits for one time-out and not for each.
"""

import logging
import time
from collections.abc import Iterable

from celery import current_app
from kombu.exceptions import OperationalError

RETRY_SECONDS = 5.0
log = logging.getLogger(__name__)


class Queue:
    """The message queue, as this process knows it. retry_at: by the monotonic clock, in seconds."""

    retry_at = 0.0


QUEUE = Queue()


def publish(task: str, messages: Iterable[tuple[object, ...]]) -> None:
    """Enqueue one message of `task` for each tuple of arguments. `task`: its name, because tasks import what calls
    this.

    The first message that cannot be published is the last one tried: a queue that does not respond costs the time
    of one attempt (CELERY_BROKER_TRANSPORT_OPTIONS).
    """
    if time.monotonic() < QUEUE.retry_at:
        log.info("The queue did not respond a moment ago, so %s was not enqueued; beat will find the work.", task)
        return
    for arguments in messages:
        try:
            current_app.send_task(task, args=arguments, retry=False)
        except Exception as error:
            from redis.exceptions import RedisError  # importing it takes 0.1 s, and most desks have no Redis

            if isinstance(error, (OperationalError, RedisError, OSError)):
                QUEUE.retry_at = time.monotonic() + RETRY_SECONDS
            log.warning("Could not enqueue %s%s; beat will find the work.", task, arguments, exc_info=True)
            return
