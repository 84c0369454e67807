"""The desk as one process: uvicorn in the main thread, worker and beat in other threads; all stop within 5 s."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

import uvicorn

from tradedesk.celery import app
from tradedesk.connection_limits import LimitedProtocol, raise_open_files
from tradedesk.embedded import Embedded
from tradedesk.signals import desk_started, desk_stopping

SECONDS_FOR_OPEN_REQUESTS = 2
# Work that is still running this long after the signal to stop is left to the next start, as after kill -9.
SECONDS_TO_STOP = 4.5
log = logging.getLogger(__name__)


class CannotListen(Exception):
    """The address cannot be used. The message says what to do."""


def listen(host: str, port: int) -> socket.socket:
    """Call it before the slow steps of a start: it reports a port in use immediately, and clients can
    already wait."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        if os.name != "nt":  # on Windows the option would let two desks share one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Several sockets can be bound to one port until one of them listens.
        listener.listen(128)
    except OSError as error:
        raise CannotListen(
            f"The desk cannot listen on {host}:{port} ({error.strerror}). Use another port, for example PORT=8001."
        ) from error
    return listener


class Desk(uvicorn.Server):
    """`serve_until_stopped()` returns the exit code: 0 after a signal to stop, 1 if worker or beat ended."""

    def __init__(self, listener: socket.socket, on_ready: Callable[[], None]) -> None:
        # Loading it looks for the static files, which are collected by now.
        from tradedesk.asgi import application

        super().__init__(
            uvicorn.Config(
                application,
                http=LimitedProtocol,
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=SECONDS_FOR_OPEN_REQUESTS,
            )
        )
        self.listener = listener
        self.on_ready = on_ready
        self.embedded: Embedded | None = None
        self.exit_code = 0
        self.stop_by = float("inf")

    def serve_until_stopped(self) -> int:
        raise_open_files()
        self.run(sockets=[self.listener])
        if self.embedded and not self.embedded.join(self.stop_by - time.monotonic() - 0.3):
            log.warning("The desk stopped during a task. The next start runs it again.")
        return self.exit_code

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises the signal again at the end, which would end the process before worker and beat have
        # stopped.
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        # Not loop.add_signal_handler, which Windows does not have.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop())
        await super().startup(sockets=sockets)
        self.on_ready()
        threading.Thread(target=self._start_embedded, name="starter", daemon=True).start()

    def _start_embedded(self) -> None:
        try:
            self.embedded = Embedded(app, on_thread_end=self._thread_ended)
            if self.should_exit:
                return
            self.embedded.start()
        except Exception:
            log.exception("Worker and beat did not start.")
            self._thread_ended("starter")
            return
        desk_started.send_robust(sender=None)

    def _thread_ended(self, name: str) -> None:
        log.critical("The desk stops because its %s ended. The lines above say why. Start it again.", name)
        self.exit_code = 1
        self.loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        if self.should_exit:
            self.force_exit = True  # the second Ctrl-C does not wait for open requests
            return
        self.should_exit = True
        self.stop_by = time.monotonic() + SECONDS_TO_STOP
        deadline = threading.Timer(SECONDS_TO_STOP, lambda: os._exit(self.exit_code))
        deadline.daemon = True
        deadline.start()
        # Requests that a stop cancels are not errors.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        desk_stopping.send_robust(sender=None)
        if self.embedded:
            threading.Thread(target=self.embedded.request_stop, name="stopper", daemon=True).start()
