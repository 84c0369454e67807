"""A fill is on the pages within a second of being booked, and many open pages cost as much as one."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from livetrading.hub import EVERY, Hub, read_versions
from livetrading.models import Fill, LiveStrategy
from livetrading.views import events
from tests.livetrading.event_streams import disconnect, listener, run, send_request
from tests.livetrading.factories import TODAY, at_day, make_live_strategy
from tests.livetrading.pipeline.scripted_broker import ScriptedBroker, entry_of, run_reconcile
from tradedesk.accounts.models import User

STREAMS = 200


def test_the_hub_looks_often_enough() -> None:
    # A look, and the request of the page that it wakes, take less than a second together.
    assert EVERY <= 0.5
    assert Hub(read_versions)._every == EVERY


def test_two_hundred_open_dashboards_cost_one_poller_and_two_queries(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    at_day(TODAY)
    ids = [User.objects.create(email=f"user{number}@example.com").pk for number in range(STREAMS)]
    with django_assert_num_queries(2):
        assert set(read_versions(ids)) == set(ids)

    reads: list[list[int]] = []

    def read(user_ids: list[int]) -> Mapping[int, str]:
        reads.append(user_ids)
        return dict.fromkeys(user_ids, "a")

    async def scenario() -> None:
        hub = Hub(read, every=3600)
        streams: list[AsyncIterator[str]] = [hub.stream(user_id) for user_id in ids]
        await asyncio.gather(*(anext(stream) for stream in streams))
        pollers = [thread.name for thread in threading.enumerate() if thread.name.startswith("hub")]
        assert len(pollers) == 1
        # One look at all of them: the interval has not passed.
        assert [sorted(read) for read in reads] == [ids]
        hub.close()
        for stream in streams:
            await stream.aclose()  # type: ignore[attr-defined]

    run(scenario)


def test_a_booked_fill_reaches_an_open_page(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event comes from the booking alone, before the tick has ended."""
    alice, bob = (User.objects.create_user(f"{name}@example.com", "x") for name in ("alice", "bob"))
    monkeypatch.setattr(events, "hub", Hub(read_versions))
    at_day(TODAY)
    live = make_live_strategy(user=alice)
    browsers = [listener(alice), listener(bob)]

    async def scenario() -> None:
        for browser in browsers:
            await send_request(browser)
            assert "changed" in await body_of(browser)
        await asyncio.to_thread(book_a_fill, live)
        assert "event: changed" in await body_of(browsers[0])
        # Nothing of Bob's has changed.
        assert await browsers[1].receive_nothing(2 * EVERY)
        for browser in browsers:
            await disconnect(browser)

    run(scenario)
    assert Fill.objects.get().order.live_strategy == live


async def body_of(browser: Any) -> str:
    """The next event of the stream."""
    return str((await browser.receive_output(10))["body"], "utf-8")


def book_a_fill(live: LiveStrategy) -> None:
    broker = ScriptedBroker()
    order = entry_of(live)
    broker.report_order(order, "filled", 100)
    broker.fill(order, 100, 10)
    run_reconcile(live, broker)
    connection.close()
