"""PostgreSQL ends the connection of a worker in the middle of a check or of a sending: the check is made again,
and each signal has one order."""

import os
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django.db.models import F, Sum

from livetrading import tasks
from livetrading.brokers.simulation.broker import SimulatedBroker
from livetrading.models import BrokerAccount, Fill, Order, PaperFill, PaperOrder, PaperTrade, SignalHistory
from livetrading.pipeline import checks, execute
from livetrading.pipeline import tick as tick_module
from tests.livetrading.factories import at_day
from tests.livetrading.made_bars import DAYS
from tests.livetrading.published import Published, published
from tests.livetrading.queued import now_due, run_next, third_session
from tradedesk.accounts.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def end_connection() -> None:
    """As a restart of the server does, or a network that fails."""
    assert connection.connection is not None
    pid = connection.connection.info.backend_pid
    with psycopg.connect(os.environ["TEST_DATABASE_URL"]) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def once_before(target: Any, name: str, fault: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The fault comes right before this function runs for the first time; then its name is in the list."""
    original = getattr(target, name)
    happened: list[str] = []

    def with_fault(*args: Any, **kwargs: Any) -> Any:
        if not happened:
            happened.append(name)
            fault()
        return original(*args, **kwargs)

    monkeypatch.setattr(target, name, with_fault)
    return happened


def beat(queue: Published) -> None:
    """Beat sends its tasks and a worker runs them. One that fails is over, as in Celery."""
    steps: list[Callable[[], None]] = [tasks.dispatch_due_accounts, tasks.requeue_lost_orders, lambda: None]
    for step in steps:
        try:
            step()
            while queue:
                run_next(queue)
        except (DatabaseError, InterfaceError):
            pass
        close_old_connections()


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (tick_module, "reconcile"),
        (tick_module, "evaluate"),
        (checks, "draft_set"),  # the check has read, and decides
        (checks, "_write"),  # it has decided, and writes
        (checks, "_store_progress"),  # it has written all but its progress
        (execute, "order_request"),  # the order is claimed
        (SimulatedBroker, "submit"),
    ],
)
def test_the_check_is_made_again_and_makes_one_order(
    alice: User, target: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened = once_before(target, name, end_connection, monkeypatch)
    with third_session(alice) as clock, published() as queue:
        live = now_due(alice, "AAPL", "IBM")
        for _ in range(4):  # a lost worker is noticed after half a minute
            beat(queue)
            clock.shift(timedelta(seconds=31))
        assert happened == [name]
        states = Order.objects.filter(purpose="entry").values_list("symbol", "state").order_by("symbol")
        assert list(states) == [("AAPL", "accepted"), ("IBM", "accepted")]
        at_day(DAYS[3])
        beat(queue)
    live.refresh_from_db()
    assert (live.status, live.failures, live.last_error) == ("active", 0, "")
    signals = SignalHistory.objects.filter(side="buy").values_list("symbol", "outcome").order_by("symbol")
    assert list(signals) == [("AAPL", "ordered"), ("IBM", "ordered")]
    # The desk's books and the broker's, to the cent.
    assert PaperOrder.objects.filter(side="buy").count() == 2
    assert (Fill.objects.count(), PaperFill.objects.count(), PaperTrade.objects.count()) == (2, 2, 2)
    account = BrokerAccount.objects.get()
    paid = PaperTrade.objects.aggregate(sum=Sum(F("quantity") * F("entry_price") + F("commission")))["sum"]
    assert account.booked_cash == account.paper_account.cash == Decimal(100_000) - paid
