"""Where the world takes the place of what is outside: clocks, bars, brokers, the queue, random ids, the log."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import Any

from celery import current_app
from django.db import connection
from django.utils import timezone

from livetrading.brokers.protocol import OrderRefused, OutcomeUnknown
from livetrading.models import Order
from livetrading.pipeline import patience
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.lots import NotBookable
from livetrading.services import accounts, broker_turns, deploy
from tests.simulation.invariants import check_request
from tests.simulation.patches import Patches
from tests.simulation.violation import insist
from tests.simulation.workers import at_statement, present
from tests.simulation.world import World
from tradedesk import publishing
from tradedesk.marketdata import clock, library

# What the pipeline may meet and log; any other exception in its log is a fault of the desk.
EXPECTED = (OutcomeUnknown, OrderRefused, NotBookable)


@contextmanager
def connected(world: World) -> Iterator[None]:
    """Let the pipeline run in this world."""
    patches = Patches()
    random = Random(world.seed)
    patches.everywhere(accounts.broker_for, world.broker_for(accounts.broker_for))
    patches.everywhere(library.load_many, world.shelf.load_many)
    patches.everywhere(clock.market_clock, lambda: _MarketClock(world))
    patches.everywhere(publishing.publish, world.publish)
    patches.everywhere(execute_order, _noting(world))
    patches.put(Order, "claim", _claiming(Order.claim))
    patches.put(timezone, "now", lambda: world.clocks.wall)
    patches.everywhere(deploy.provenance_of, lambda user, snapshot, now: {})
    # What waits is measured by the wall clock of the world.
    watch_of_process = SimpleNamespace(monotonic=lambda: world.clocks.wall.timestamp())
    patches.put(patience, "time", watch_of_process)
    patches.put(broker_turns, "time", watch_of_process)
    patches.everywhere(broker_turns.TURNS, broker_turns.Turns())
    patches.put(os, "urandom", lambda size: random.randbytes(size))
    for desk in world.desks:
        desk.line.on_request = partial(check_request, world, desk)
        desk.line.on_look = partial(_note_look, world)
    watch = _Watch()
    logging.getLogger().addHandler(watch)
    connection.execute_wrappers.append(at_statement)
    try:
        yield
    finally:
        world.abandon()
        connection.execute_wrappers.remove(at_statement)
        logging.getLogger().removeHandler(watch)
        patches.undo()


class _MarketClock:
    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.clocks.now


def _noting(world: World) -> Any:
    """Note in the worker that it begins with an order."""

    def begin(*args: Any, **options: Any) -> None:
        worker = present()
        if worker is not None:
            worker.order_began = world.moment
        execute_order(*args, **options)

    return begin


def _note_look(world: World) -> None:
    """What was stored before the answer to a look-up counts for the request after it."""
    worker = present()
    if worker is not None:
        worker.order_began = world.moment


def _claiming(claim: Any) -> Any:
    """Note in the worker the token that it claims an order with."""

    def claim_and_note(order_id: Any, sender: str, *args: Any, **options: Any) -> bool:
        worker = present()
        if worker is not None:
            worker.token = sender
        return bool(claim(order_id, sender, *args, **options))

    return claim_and_note


class _Watch(logging.Handler):
    """No exception but those of a broker may appear in the log."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        insist(
            error is None or isinstance(error, EXPECTED),
            f"{record.name} logs {record.getMessage()}: {error!r}",
        )


current_app.loader.import_default_modules()
