"""The simulated broker's records are written completely or not at all, and once when two workers write them."""

from collections.abc import Mapping
from datetime import datetime
from threading import Event

import pytest

from livetrading.brokers.simulation import books
from livetrading.brokers.simulation.matching import Book, Execution, Prices, Series, match
from livetrading.models import PaperAccount, PaperFill, PaperOrder
from tests.livetrading.at_once import at_once
from tests.livetrading.brokers.simulation.simulated_account import (
    broker_of,
    fills_of,
    ledger_balances,
    match_until,
    submit,
)
from tests.livetrading.made_bars import CLOSES, TIMES, flat, store_bars
from tests.livetrading.pipeline.desk import open_account
from tradedesk.accounts.models import User


@pytest.fixture
def account(alice: User) -> PaperAccount:
    return open_account(alice, 10_000.0)


def test_a_crash_while_matching_writes_nothing(account: PaperAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two bars are matched in one transaction: the fills of the first are rolled back when the second fails."""
    store_bars(AAPL=flat(10, 10, 8), IBM=flat(50, 50, 50))
    submit(account, "a", CLOSES[0], stop_loss_pct=0.1)
    submit(account, "i", CLOSES[0], symbol="IBM")
    before = list(PaperOrder.objects.order_by("pk").values())

    def crash(book: Book, time: datetime, bars: Mapping[Series, Prices]) -> list[Execution]:
        if time == TIMES[2]:
            assert PaperFill.objects.count() == 2
            raise SystemExit
        return match(book, time, bars)

    with monkeypatch.context() as patch:
        patch.setattr(books, "match", crash)
        with pytest.raises(SystemExit):
            match_until(account, CLOSES[2])
    assert (PaperFill.objects.count(), list(PaperOrder.objects.order_by("pk").values())) == (0, before)
    account.refresh_from_db()
    assert account.cash == 10_000
    match_until(account, CLOSES[2])
    assert fills_of(account) == [("a", 1, 10, 10), ("i", 1, 10, 50), ("a-sl", 2, 10, 8)]
    assert ledger_balances(account)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_two_matchers_at_once_fill_each_order_once(account: PaperAccount, attempt: int) -> None:
    store_bars(AAPL=flat(10, 10, 8), IBM=flat(50, 50, 50))
    submit(account, "a", CLOSES[0], stop_loss_pct=0.1)
    submit(account, "i", CLOSES[0], symbol="IBM")
    results = at_once(lambda: match_until(account, CLOSES[2]), lambda: match_until(account, CLOSES[2]))
    assert results == [None, None]
    assert fills_of(account) == [("a", 1, 10, 10), ("i", 1, 10, 50), ("a-sl", 2, 10, 8)]
    assert ledger_balances(account)


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_send_the_same_order_create_it_once(account: PaperAccount) -> None:
    first, second = at_once(lambda: submit(account, "a", CLOSES[0]), lambda: submit(account, "a", CLOSES[0]))
    assert first == second == PaperOrder.objects.get()


@pytest.mark.django_db(transaction=True)
def test_a_cancellation_waits_for_a_running_matcher(
    account: PaperAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the order would be reported as cancelled and filled afterwards."""
    store_bars(AAPL=flat(10, 10))
    submit(account, "a", CLOSES[0])
    filling, cancelling = Event(), Event()
    states: list[str] = []

    def slowly(book: Book, time: datetime, bars: Mapping[Series, Prices]) -> list[Execution]:
        filling.set()
        cancelling.wait(60)
        # The cancellation has started; it must not end before this transaction.
        Event().wait(0.3)
        states.append(PaperOrder.objects.get(client_order_id="a").status)
        return match(book, time, bars)

    def cancel() -> str:
        filling.wait(60)
        cancelling.set()
        broker = broker_of(account, CLOSES[1])
        broker.cancel("a")
        order = broker.order_by_client_id("a")
        return order.state if order else ""

    monkeypatch.setattr(books, "match", slowly)
    assert at_once(lambda: match_until(account, CLOSES[1]), cancel) == [None, "filled"]
    assert states == ["working"]


def test_a_cancelled_order_has_its_reason_and_is_never_filled(account: PaperAccount) -> None:
    store_bars(AAPL=flat(10, 10))
    order = submit(account, "a", CLOSES[0])
    broker_of(account, CLOSES[0]).cancel("a")
    match_until(account, CLOSES[1])
    order.refresh_from_db()
    assert (order.status, order.reason, fills_of(account)) == ("cancelled", "Cancelled on request.", [])
