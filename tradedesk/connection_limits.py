"""Limits of each connection, before there is a request: the time to send its headers, and open files for many."""

import asyncio
import contextlib
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

# A browser sends its headers at once; a connection that is silent for so long is closed.
HEADER_SECONDS = 10.0
OPEN_FILES = 8192


class LimitedProtocol(H11Protocol):
    """Closes a connection that has not sent complete headers HEADER_SECONDS after it opened, or after the first
    byte of its next request. uvicorn itself waits for ever."""

    _headers_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or (self.cycle.response_complete and self.conn.trailing_data[0]):
            self._expect_headers()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        if self._headers_due is None:
            self._headers_due = self.loop.call_later(HEADER_SECONDS, self._close)

    def _stop_waiting(self) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None

    def _close(self) -> None:
        self._headers_due = None
        if not self.transport.is_closing():
            self.transport.abort()


def raise_open_files() -> int:
    """Allow this process OPEN_FILES open files and connections, if the system lets it. Returns the limit."""
    resource: Any
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return OPEN_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return int(wanted)
    return int(soft)
