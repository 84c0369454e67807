"""A desk whose replay market is at the close of the third session, and a worker that runs the queued tasks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import time_machine

from livetrading import tasks
from livetrading.models import LiveStrategy, Order
from tests.livetrading.factories import at_day
from tests.livetrading.made_bars import CLOSES, DAYS, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, open_account
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tests.livetrading.published import Published
from tradedesk.accounts.models import User


@contextmanager
def third_session(user: User) -> Iterator[time_machine.Traveller]:
    """The wall clock stands at WALL. AAPL and IBM have risen, so a strategy of TWO_BARS buys them."""
    open_account(user, 100_000.0)
    store_bars(AAPL=flat(10, 10, 12, 13), IBM=flat(50, 50, 60, 61))
    at_day(DAYS[2])
    with time_machine.travel(WALL, tick=False) as traveller:
        yield traveller


def now_due(user: User, *symbols: str, **fields: Any) -> LiveStrategy:
    return make_two_bar_strategy(user, *symbols, **({"next_check_at": CLOSES[2]} | fields))


def entries() -> list[str]:
    """The ids of the entries, in the order they were decided."""
    return [
        str(pk) for pk in Order.objects.filter(purpose="entry").order_by("symbol").values_list("pk", flat=True)
    ]


def run_next(queue: Published) -> None:
    name, arguments = queue.pop(0)
    getattr(tasks, name)(*arguments)


def run_worker(queue: Published) -> None:
    """Run the queued tasks in order, including those that they enqueue."""
    while queue:
        run_next(queue)
