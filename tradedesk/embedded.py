"""Celery's workers and beat as threads of this process, over a broker in memory.

One worker trades, the other does research, each with threads of its own: no search stands between a signal and its
order.

The database is the queue of truth: what a stop or a crash takes out of the memory, beat's sweep hands out again.
"""

import logging
import threading
import time
from collections.abc import Callable

from celery import Celery
from celery.beat import Service
from celery.worker import WorkController, state
from django.conf import settings
from django.utils import timezone

from tradedesk.celery import make_app
from tradedesk.heartbeat import beat_once

WORKER_THREADS = 8
# Research computes: more threads than cores would only share them.
RESEARCH_THREADS = 2


class Embedded:
    """Start once, ask_to_stop once. `died` is called, from a thread, when worker or beat ends by itself."""

    def __init__(self, app: Celery, died: Callable[[str], None]) -> None:
        self.died = died
        self.stopping = False
        self.ready = threading.Event()
        app.finalize()
        app.set_default()
        app.loader.import_default_modules()
        self.control = app.control
        worker = _worker(app, "worker", app.conf.task_default_queue, WORKER_THREADS, self._worker_is_ready)
        # Which queues a worker listens to is the application's to say, so the second worker has its own.
        research_app = make_app(set_as_current=False)
        research = _worker(research_app, "research", settings.RESEARCH_QUEUE, RESEARCH_THREADS)
        self.beat = Service(app, scheduler_cls=app.conf.beat_scheduler)
        self.threads = (
            threading.Thread(target=worker.start, name="worker", daemon=True),
            threading.Thread(target=research.start, name="research", daemon=True),
            threading.Thread(target=self._run_beat, name="beat", daemon=True),
        )

    def start(self) -> None:
        for thread in self.threads:
            thread.start()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def ask_to_stop(self) -> None:
        self.stopping = True
        self.beat.stop(wait=False)
        state.should_stop = 0  # type: ignore[assignment]  # the exit code
        # A worker looks at the flag when a message comes, so send them one.
        logging.getLogger("celery.worker.control").setLevel(logging.ERROR)  # it would report the order as foreign
        self.control.shutdown()

    def join(self, timeout: float) -> bool:
        """Wait for the threads; False when one still works on something."""
        deadline = time.monotonic() + timeout
        for thread in filter(threading.Thread.is_alive, self.threads):
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self.threads)

    def _worker_is_ready(self, _consumer: object) -> None:
        beat_once("worker", timezone.now())
        self.ready.set()

    def _run_beat(self) -> None:
        self.ready.wait()
        self.beat.start(embedded_process=False)

    def _watch(self) -> None:
        while not self.stopping:
            for thread in self.threads:
                if not thread.is_alive() and not self.stopping:
                    self.died(thread.name)
                    return
            time.sleep(0.5)


def _worker(
    app: Celery, name: str, queue: str, threads: int, ready: Callable[[object], None] | None = None
) -> WorkController:
    return WorkController(
        app=app,
        queues=[queue],
        pool="threads",
        concurrency=threads,
        hostname=f"{name}@desk",
        loglevel="WARNING",
        logfile=None,
        without_heartbeat=True,
        without_mingle=True,
        without_gossip=True,
        ready_callback=ready,
    )
