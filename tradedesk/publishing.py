"""Publishing tasks: it never raises and never waits long.

The database decides what is waiting, so a message that cannot be published is not an error: a recovery task of
beat finds the work.
"""

import logging
from collections.abc import Iterable

from celery import current_app

log = logging.getLogger(__name__)


def publish(task: str, messages: Iterable[tuple[object, ...]]) -> None:
    """Enqueue one message of `task` for each tuple of arguments. `task`: its name, because tasks import what calls
    this.

    The first message that cannot be published is the last one tried: a queue that does not respond costs the time
    of one attempt (CELERY_BROKER_TRANSPORT_OPTIONS).
    """
    for arguments in messages:
        try:
            current_app.send_task(task, args=arguments, retry=False)
        except Exception:
            log.warning("Could not enqueue %s%s; beat will find the work.", task, arguments, exc_info=True)
            return
