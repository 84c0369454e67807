"""Celery's workers and beat as threads of this process, with a message broker in memory.

One worker trades, one makes the first checks of deployments, one runs backtests and searches, one computes
evidence, and one sends notifications, each with its own threads: so neither research nor a mail server that hangs
delays an order, a deployment does not wait for the checks of others, and a backtest does not wait for evidence.
Another thread listens to the brokers; the desk works without it.

A stop or a crash loses the messages in memory, but not the work: the database records what is waiting, and
the recovery tasks of beat enqueue it again.
"""

import logging
import os
import threading
import time
from collections.abc import Callable

from celery import Celery
from celery.beat import Service
from celery.worker import WorkController, state
from django.conf import settings
from django.utils.module_loading import import_string

from tradedesk.celery import make_app
from tradedesk.monitoring.tasks import record_ready

WORKER_THREADS = 8
URGENT_THREADS = 1
# Research is CPU-bound, so more threads than cores would not make it faster.
RESEARCH_THREADS = 2
EVIDENCE_THREADS = 1
# They wait for the servers of others. Two at most test connections (livetrading/services/connection_tests.py), one
# may be at the backup of the night, and the rest is for alarms.
NOTIFICATION_THREADS = 5
# Opening the file of SQLite takes longer than most tasks, so a worker's thread keeps its connection for as many.
TASKS_PER_CONNECTION = 1000


class Embedded:
    """Call start and request_stop once each. on_thread_end: called with the name of a thread that ended by
    itself."""

    def __init__(self, app: Celery, on_thread_end: Callable[[str], None]) -> None:
        self.on_thread_end = on_thread_end
        self.stopping = False
        self.ready = threading.Event()
        # manage.py has checked the models; each of the five workers would check them again.
        os.environ["CELERY_SKIP_CHECKS"] = "1"
        app.finalize()
        app.set_default()
        app.loader.import_default_modules()
        self.control = app.control
        worker = _worker(app, "worker", app.conf.task_default_queue, WORKER_THREADS, self.ready.set)
        # A Celery application decides which queues its worker consumes, so the other workers need their own.
        urgent = _worker(make_app(set_as_current=False), "urgent", settings.URGENT_QUEUE, URGENT_THREADS)
        research = _worker(make_app(set_as_current=False), "research", settings.RESEARCH_QUEUE, RESEARCH_THREADS)
        evidence = _worker(make_app(set_as_current=False), "evidence", settings.EVIDENCE_QUEUE, EVIDENCE_THREADS)
        notifications = _worker(
            make_app(set_as_current=False), "notifications", settings.NOTIFICATION_QUEUE, NOTIFICATION_THREADS
        )
        self.streams = import_string("livetrading.services.trade_streams.TradeStreams")()
        self.listening = threading.Thread(target=self.streams.run, name="streams", daemon=True)
        self.beat = Service(app, scheduler_cls=app.conf.beat_scheduler)
        self.threads = (
            threading.Thread(target=worker.start, name="worker", daemon=True),
            threading.Thread(target=urgent.start, name="urgent", daemon=True),
            threading.Thread(target=research.start, name="research", daemon=True),
            threading.Thread(target=evidence.start, name="evidence", daemon=True),
            threading.Thread(target=notifications.start, name="notifications", daemon=True),
            threading.Thread(target=self._run_beat, name="beat", daemon=True),
        )

    def start(self) -> None:
        for thread in self.threads:
            thread.start()
        if settings.TRADES_AT_BROKERS:
            self.listening.start()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def request_stop(self) -> None:
        self.stopping = True
        self.beat.stop(wait=False)
        self.streams.stop()
        state.should_stop = 0  # type: ignore[assignment]  # the exit code
        # A worker checks the flag when it receives a message, so send one.
        logging.getLogger("celery.worker.control").setLevel(logging.ERROR)  # hides a warning about this message
        self.control.shutdown()

    def join(self, timeout: float) -> bool:
        """Wait for the threads to end. Returns False if one is still running after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        threads = (*self.threads, self.listening)
        for thread in filter(threading.Thread.is_alive, threads):
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _run_beat(self) -> None:
        self.ready.wait()
        self.beat.start(embedded_process=False)

    def _watch(self) -> None:
        while not self.stopping:
            for thread in self.threads:
                if not thread.is_alive() and not self.stopping:
                    self.on_thread_end(thread.name)
                    return
            time.sleep(0.5)


def _worker(
    app: Celery, name: str, queue: str, threads: int, then: Callable[[], None] = lambda: None
) -> WorkController:
    hostname = f"{name}@desk"
    app.conf["CELERY_DB_REUSE_MAX"] = TASKS_PER_CONNECTION

    def ready(_consumer: object) -> None:
        record_ready([queue], hostname)
        then()

    return WorkController(
        app=app,
        queues=[queue],
        pool="threads",
        concurrency=threads,
        hostname=hostname,
        loglevel="WARNING",
        logfile=None,
        without_heartbeat=True,
        without_mingle=True,
        without_gossip=True,
        ready_callback=ready,
    )
