"""The event hub: one poller wakes all streams, and streams hold no database connection."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from threading import Thread
from time import sleep
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from livetrading import hub as hub_module
from livetrading.hub import Hub, read_versions
from livetrading.views import events
from tests.livetrading.event_streams import disconnect, listener, run, send_request
from tests.livetrading.factories import TODAY, at_day
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User, UserVersion
from tradedesk.signals import desk_stopping

SOON = 0.01
CHANGED = "event: changed\ndata: {}\n\n"


class Versions:
    """Replaces the database: the versions of users, the reads so far, and an error to raise."""

    def __init__(self, error: Exception | None = None) -> None:
        self.by_user: dict[int, str] = {1: "a", 2: "a"}
        self.reads: list[list[int]] = []
        self.error = error

    def __call__(self, user_ids: list[int]) -> Mapping[int, str]:
        self.reads.append(sorted(user_ids))
        if self.error:
            raise self.error
        return {user_id: self.by_user[user_id] for user_id in user_ids}


async def next_of(stream: AsyncIterator[str]) -> str:
    return await asyncio.wait_for(anext(stream), 5)


async def no_event_from(stream: AsyncIterator[str]) -> "asyncio.Task[str]":
    """Asserts that the stream sends no event now; returns the task that waits for the next one."""
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(10 * SOON)
    assert not waiting.done()
    return waiting


def test_a_stream_begins_with_the_version_and_follows_its_changes() -> None:
    async def scenario() -> None:
        versions = Versions()
        stream = Hub(versions, every=SOON).stream(1)
        assert await next_of(stream) == CHANGED.format("a")
        waiting = await no_event_from(stream)
        versions.by_user[1] = "b"
        assert await asyncio.wait_for(waiting, 5) == CHANGED.format("b")

    run(scenario)


def test_a_change_wakes_every_stream_of_its_user_and_no_others() -> None:
    async def scenario() -> None:
        versions = Versions()
        hub = Hub(versions, every=SOON)
        streams = [hub.stream(1), hub.stream(1), hub.stream(2)]
        for stream in streams:
            await next_of(stream)
        of_another = await no_event_from(streams[2])
        versions.by_user[1] = "b"
        assert [await next_of(stream) for stream in streams[:2]] == [CHANGED.format("b")] * 2
        assert not of_another.done()
        of_another.cancel()

    run(scenario)


def test_one_read_serves_all_streams_and_there_is_no_read_without_streams() -> None:
    async def scenario() -> None:
        versions = Versions()
        hub = Hub(versions, every=SOON)
        assert versions.reads == []
        streams = [hub.stream(user_id) for user_id in (1, 1, 1, 2)]
        for stream in streams:
            await next_of(stream)
        await asyncio.sleep(5 * SOON)
        assert versions.reads[-1] == [1, 2]
        assert len([read for read in versions.reads if read == [1, 2]]) < 10
        for stream in streams:
            await stream.aclose()  # type: ignore[attr-defined]
        await asyncio.sleep(5 * SOON)
        reads = len(versions.reads)
        await asyncio.sleep(10 * SOON)
        assert len(versions.reads) == reads
        # The next stream starts the poller again.
        assert await next_of(hub.stream(2)) == CHANGED.format("a")

    run(scenario)


def test_a_change_while_an_event_is_sent_is_not_missed() -> None:
    async def scenario() -> None:
        versions = Versions()
        stream = Hub(versions, every=SOON).stream(1)
        await next_of(stream)
        # The client is slow: the version changes twice while it handles the first event.
        for version in ("b", "c"):
            versions.by_user[1] = version
            await asyncio.sleep(5 * SOON)
        assert await next_of(stream) == CHANGED.format("c")

    run(scenario)


def test_a_stream_without_events_is_kept_alive() -> None:
    async def scenario() -> None:
        stream = Hub(Versions(), every=SOON, keep_alive=5 * SOON).stream(1)
        while "changed" not in await next_of(stream):
            pass  # on a busy machine the first event may come after a sign of life
        assert await next_of(stream) == ": keep-alive\n\n"
        assert await next_of(stream) == ": keep-alive\n\n"

    run(scenario)


def test_the_number_of_streams_is_limited_for_each_user() -> None:
    async def scenario() -> None:
        hub = Hub(Versions(), every=SOON, streams_per_user=2)
        streams = [hub.stream(1), hub.stream(1)]
        for stream in streams:
            await next_of(stream)
        assert not hub.accepts_stream(1)
        assert hub.accepts_stream(2)
        assert [event async for event in hub.stream(1)] == []
        await streams[0].aclose()  # type: ignore[attr-defined]
        assert hub.accepts_stream(1)

    run(scenario)


@pytest.mark.parametrize("from_thread", [False, True])
def test_closing_ends_every_stream_and_accepts_no_more(from_thread: bool) -> None:
    async def scenario() -> None:
        hub = Hub(Versions(), every=SOON)
        streams = [hub.stream(1), hub.stream(2)]
        for stream in streams:
            await next_of(stream)
        waiting = [await no_event_from(stream) for stream in streams]
        if from_thread:
            Thread(target=hub.close).start()
        else:
            hub.close()
        for task in waiting:
            with pytest.raises(StopAsyncIteration):
                await asyncio.wait_for(task, 5)
        assert not hub.accepts_stream(1)
        assert [event async for event in hub.stream(1)] == []

    run(scenario)


def test_a_failed_read_is_repeated(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        versions = Versions(OSError("The database is not available."))
        stream = Hub(versions, every=SOON).stream(1)
        waiting = await no_event_from(stream)
        versions.error = None
        assert await asyncio.wait_for(waiting, 5) == CHANGED.format("a")

    run(scenario)
    assert [record.levelname for record in caplog.records if record.name == "livetrading.hub"]


def test_the_hub_closes_when_the_desk_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(Versions())
    monkeypatch.setattr(hub_module, "hub", hub)
    desk_stopping.send(sender=None)
    assert not hub.accepts_stream(1)


def test_a_version_changes_with_the_user_and_with_the_replay(alice: User, bob: User, settings: Any) -> None:
    at_day(TODAY)
    bump_version(alice.pk)
    first = read_versions([alice.pk, bob.pk])
    assert set(first) == {alice.pk, bob.pk}
    bump_version(alice.pk)
    second = read_versions([alice.pk, bob.pk])
    assert second[alice.pk] != first[alice.pk]
    assert second[bob.pk] == first[bob.pk]
    at_day(TODAY.replace(day=9))
    third = read_versions([alice.pk, bob.pk])
    assert all(third[user.pk] != second[user.pk] for user in (alice, bob))
    settings.MARKET = "real"
    assert read_versions([bob.pk]) == {bob.pk: "0"}


def test_charlie_gets_no_stream(charlies_browser: Client) -> None:
    assert charlies_browser.get("/events").status_code == 401


def test_a_wsgi_server_has_no_streams(alices_browser: Client) -> None:
    response = alices_browser.get("/events")
    assert (response.status_code, response.content) == (204, b"")
    assert alices_browser.post("/events").status_code == 405


# --- Over ASGI -------------------------------------------------------------------------------------------


def connections_in_use() -> int:
    """The number of open connections, including the one of this query."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            return int(cursor.fetchall()[0][0])
    finally:
        connection.close()


def settles_at(expected: int) -> bool:
    """Waits for the number of connections, because a backend ends shortly after its client has disconnected."""
    for _ in range(200):
        if connections_in_use() == expected:
            return True
        sleep(SOON)
    return False


def test_streams_share_the_connection_of_the_poller(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = User.objects.create_user("alice@example.com", "x")
    hub = Hub(read_versions, every=SOON, streams_per_user=4)
    monkeypatch.setattr(events, "hub", hub)
    at_day(TODAY)
    browsers = [listener(alice) for _ in range(5)]
    before = connections_in_use()

    async def scenario() -> None:
        for browser in browsers[:4]:
            response = await send_request(browser)
            assert response["status"] == 200
            headers = dict(response["headers"])
            assert headers[b"Content-Type"] == b"text/event-stream"
            assert headers[b"Cache-Control"] == b"no-cache"
            assert (await browser.receive_output(10))["body"] == b"event: changed\ndata: 0 2010-03-08\n\n"
        # One connection for the poller, none for the four streams.
        assert await asyncio.to_thread(settles_at, before + 1)
        one_too_many = await send_request(browsers[4])
        assert one_too_many["status"] == 503
        await browsers[4].wait(10)
        await asyncio.to_thread(change_version)
        for browser in browsers[:4]:
            assert (await browser.receive_output(10))["body"] == b"event: changed\ndata: 1 2010-03-08\n\n"
        for browser in browsers[:4]:
            await disconnect(browser)
        assert hub.accepts_stream(alice.pk)
        assert await asyncio.to_thread(settles_at, before)

    def change_version() -> None:
        UserVersion.objects.create(user=alice, number=1)
        connection.close()

    run(scenario)
