"""What is read while a worker books fills, or while its user deletes rows in another window: after any of its
queries, the rows may be others."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test import Client

from livetrading.models import LiveStrategy, Order, PaperPosition, PaperTrade, SignalHistory
from strategies.models import Strategy
from tests.livetrading.factories import NOW, TODAY, WALL, at_day, make_desk_rows
from tradedesk.accounts.models import User
from tradedesk.marketdata.services import load_samples


def sold() -> None:
    PaperTrade.objects.update(
        exit_time=NOW, exit_quantity=F("quantity"), exit_price=F("entry_price"), exit_reason="signal"
    )
    PaperPosition.objects.all().delete()


def deleted() -> None:
    for model in (PaperTrade, PaperPosition, Order, SignalHistory, LiveStrategy, Strategy):
        model._default_manager.all().delete()


class ChangedAfter:
    """Calls `change` once this many queries were made. done: whether it did."""

    def __init__(self, queries: int, change: Callable[[], None]) -> None:
        self.left, self.change, self.done = queries, change, False

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        self.left -= 1
        if self.left == 0:
            self.done = True
            self.change()
        return found


def statuses(client: Client, address: str, change: Callable[[], None], headers: Mapping[str, str]) -> set[int]:
    """Of the answers when the change happens after the first query, after the second, and so on to the last."""
    found, queries, done = set(), 0, True
    while done:
        queries += 1
        meanwhile = ChangedAfter(queries, change)
        with transaction.atomic():
            with connection.execute_wrapper(meanwhile):
                found.add(client.get(address, headers=headers).status_code)
            transaction.set_rollback(True)
        done = meanwhile.done
    assert queries > 2
    return found


@pytest.fixture
def lot(alice: User, client: Client) -> PaperTrade:
    load_samples(WALL)
    at_day(TODAY)
    make_desk_rows(alice, 2)
    client.force_login(alice)
    return PaperTrade.objects.filter(exit_time=None)[0]


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard",
        "/dashboard/live-trading",
        "/dashboard/live-trading/{}?show=trades",
        "/trades",
        "/trades?tab=positions",
        "/api/paper/positions",
    ],
)
def test_its_lots_are_sold_meanwhile(lot: PaperTrade, client: Client, path: str) -> None:
    address = path.format(lot.live_strategy_id)
    assert statuses(client, address, sold, {"HX-Request": "true"}) == {200}


@pytest.mark.parametrize("path", ["/dashboard/live-trading/{}", "/dashboard/live-trading/{}/promote"])
def test_its_live_strategy_is_deleted_meanwhile(lot: PaperTrade, client: Client, path: str) -> None:
    assert statuses(client, path.format(lot.live_strategy_id), deleted, {}) == {200, 404}


def test_the_strategy_of_a_backtest_is_deleted_meanwhile(lot: PaperTrade, alice: User, client: Client) -> None:
    (backtest, *_) = alice.backtests.all()
    assert statuses(client, f"/dashboard/backtests/{backtest.pk}", deleted, {}) == {200}
