"""Real Celery workers that start quickly, because they are forked from a process that has imported the desk.

`python -m tests.flows.worker_fork_server` forks a worker for each line it reads and prints its process id. Only
the time limits differ from production: a lost worker is detected after a second instead of half a minute.
"""

import importlib
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta

import django

WORKER = [
    "worker",
    "--pool=threads",
    "--concurrency=4",
    "--queues=urgent,celery,research,evidence",
    "--loglevel=ERROR",
]
WITHOUT_PEERS = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
# What a worker imports while it starts, which takes most of its time.
PRELOADED = (
    "celery.bin.celery",
    "celery.concurrency.thread",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.strategy",
    "kombu.transport.redis",
)


def main(prepare: Callable[[], None] = lambda: None) -> None:
    """prepare: called before the first fork."""
    django.setup()
    from backtests.services.optimizer import recovery
    from livetrading.pipeline import fence, requeue
    from tradedesk.celery import app
    from tradedesk.core.loaded import keep_loaded

    app.loader.import_default_modules()
    for module in PRELOADED:
        importlib.import_module(module)
    fence.LEASE = timedelta(seconds=0.7)
    fence.BROKER_CALL, fence.FENCE = timedelta(seconds=0.1), timedelta(seconds=0.9)
    fence.LOST_WORKER = timedelta(seconds=1)
    requeue.LOST_MESSAGE = timedelta(seconds=0.5)
    recovery.HEARTBEAT_TIMEOUT = timedelta(seconds=1.5)  # longer than the second between two heartbeats
    recovery.MESSAGE_TIMEOUT = timedelta(seconds=0.5)
    recovery.MAX_ATTEMPTS = 1_000
    prepare()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    keep_loaded()  # a collection in a child would copy every page of memory that it shares
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # standard output carries the process ids
            app.worker_main([*WORKER, *WITHOUT_PEERS])
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()
