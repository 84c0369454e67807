"""Notify open pages of changes: one poller in each process wakes the event streams.

Streams never use the database. The poller reads it in its own thread, and only while streams are open.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import close_old_connections, connections
from django.dispatch import receiver

from tradedesk.accounts.models import UserVersion
from tradedesk.marketdata.replay import replay_state
from tradedesk.signals import desk_stopping

log = logging.getLogger(__name__)

# Seconds between two reads. With it a fill is on the pages within a second of being booked.
EVERY = 0.5

# Reads the versions of these users, by id. A different version means that their pages have changed.
Reader = Callable[[list[int]], Mapping[int, str]]


class Hub:
    """All event streams of one process, on one event loop. Times in seconds."""

    def __init__(
        self, read: Reader, *, every: float = EVERY, keep_alive: float = 15.0, streams_per_user: int = 6
    ) -> None:
        self._read, self._every = read, every
        self._keep_alive, self._streams_per_user = keep_alive, streams_per_user
        self._listeners: dict[int, set[asyncio.Event]] = {}
        self._versions: dict[int, str] = {}
        self._poller: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def accepts_stream(self, user_id: int) -> bool:
        """Whether the user may open another stream."""
        return not self._closed and len(self._listeners.get(user_id, ())) < self._streams_per_user

    async def stream(self, user_id: int) -> AsyncIterator[str]:
        """Server-sent events until the hub closes: "changed" at the start and after every change of the user's
        version, and a comment when nothing was sent for `keep_alive` seconds. Ends immediately when the user has
        too many streams."""
        if not self.accepts_stream(user_id):
            return
        listener = self._add(user_id)
        sent = None
        try:
            while not self._closed:
                # Cleared before reading, so that a change during the send wakes the stream again.
                listener.clear()
                version = self._versions.get(user_id)
                if version != sent:
                    sent = version
                    yield f"event: changed\ndata: {version}\n\n"
                try:
                    async with asyncio.timeout(self._keep_alive):
                        await listener.wait()
                except TimeoutError:
                    yield ": keep-alive\n\n"
        finally:
            self._remove(user_id, listener)

    def close(self) -> None:
        """End every stream and accept no more. Can be called from any thread."""
        self._closed = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is already closed
                self._loop.call_soon_threadsafe(self._wake_all)

    def _add(self, user_id: int) -> asyncio.Event:
        listener = asyncio.Event()
        self._listeners.setdefault(user_id, set()).add(listener)
        if self._poller is None:
            self._loop = asyncio.get_running_loop()
            self._poller = self._loop.create_task(self._poll())
        return listener

    def _remove(self, user_id: int, listener: asyncio.Event) -> None:
        self._listeners[user_id].discard(listener)
        if not self._listeners[user_id]:
            del self._listeners[user_id]
            self._versions.pop(user_id, None)

    def _wake_all(self) -> None:
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.set()

    async def _poll(self) -> None:
        # A single thread, so that the hub holds one database connection.
        loop, thread = asyncio.get_running_loop(), ThreadPoolExecutor(1, "hub")
        try:
            while self._listeners and not self._closed:
                try:
                    self._wake_changed(
                        await loop.run_in_executor(thread, self._read_versions, list(self._listeners))
                    )
                except Exception:
                    # The next read may succeed, and the pages poll as well.
                    log.exception("The event hub could not read the versions")
                await asyncio.sleep(self._every)
        finally:
            self._poller = None
            thread.submit(connections.close_all)
            thread.shutdown(wait=False)

    def _read_versions(self, user_ids: list[int]) -> Mapping[int, str]:
        close_old_connections()
        return self._read(user_ids)

    def _wake_changed(self, versions: Mapping[int, str]) -> None:
        for user_id, version in versions.items():
            if user_id in self._listeners and self._versions.get(user_id) != version:
                self._versions[user_id] = version
                for listener in self._listeners[user_id]:
                    listener.set()


def read_versions(user_ids: list[int]) -> dict[int, str]:
    """Each user's version number with the session of the replay and how it plays. Two queries for any number of
    users."""
    session = replay_state().version if settings.MARKET == "replay" else ""
    numbers = dict(UserVersion.objects.filter(user_id__in=user_ids).values_list("user_id", "number"))
    return {user_id: f"{numbers.get(user_id, 0)} {session}".strip() for user_id in user_ids}


hub = Hub(read_versions)


@receiver(desk_stopping)
def _stop(**_: object) -> None:
    hub.close()
