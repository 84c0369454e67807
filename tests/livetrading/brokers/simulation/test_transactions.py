"""The paper broker's books are written all or nothing, and once, whoever is at it at the same moment."""

from collections.abc import Mapping
from datetime import datetime
from threading import Event

import pytest

from livetrading.brokers.simulation.matching import Book, Execution, Prices, Series, match
from livetrading.models import PaperAccount, PaperFill, PaperOrder
from livetrading.paper import ledger as ledger_module
from tests.livetrading.at_once import at_once
from tests.livetrading.brokers.simulation.books import add, adds_up, books, filled, match_until
from tests.livetrading.made_bars import CLOSES, TIMES, bring, flat
from tests.livetrading.pipeline.desk import open_account
from tradedesk.accounts.models import User


@pytest.fixture
def account(alice: User) -> PaperAccount:
    return open_account(alice, 10_000.0)


def test_a_crash_in_the_middle_leaves_nothing_half_written(
    account: PaperAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two bars arrive at once; what the first of them did is undone when the second one fails."""
    bring(AAPL=flat(10, 10, 8), IBM=flat(50, 50, 50))
    add(account, "a", CLOSES[0], stop_loss_pct=0.1)
    add(account, "i", CLOSES[0], symbol="IBM")
    before = list(PaperOrder.objects.order_by("pk").values())

    def crash(book: Book, time: datetime, bars: Mapping[Series, Prices]) -> list[Execution]:
        if time == TIMES[2]:
            assert PaperFill.objects.count() == 2
            raise SystemExit
        return match(book, time, bars)

    with monkeypatch.context() as patch:
        patch.setattr(ledger_module, "match", crash)
        with pytest.raises(SystemExit):
            match_until(account, CLOSES[2])
    assert (PaperFill.objects.count(), list(PaperOrder.objects.order_by("pk").values())) == (0, before)
    account.refresh_from_db()
    assert account.cash == 10_000
    match_until(account, CLOSES[2])
    assert filled(account) == [("a", 1, 10, 10), ("i", 1, 10, 50), ("a-sl", 2, 10, 8)]
    assert adds_up(account)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_two_matchers_at_once_fill_each_order_once(account: PaperAccount, attempt: int) -> None:
    bring(AAPL=flat(10, 10, 8), IBM=flat(50, 50, 50))
    add(account, "a", CLOSES[0], stop_loss_pct=0.1)
    add(account, "i", CLOSES[0], symbol="IBM")
    answers = at_once(lambda: match_until(account, CLOSES[2]), lambda: match_until(account, CLOSES[2]))
    assert answers == [None, None]
    assert filled(account) == [("a", 1, 10, 10), ("i", 1, 10, 50), ("a-sl", 2, 10, 8)]
    assert adds_up(account)


@pytest.mark.django_db(transaction=True)
def test_two_workers_sending_the_same_order_add_it_once(account: PaperAccount) -> None:
    first, second = at_once(lambda: add(account, "a", CLOSES[0]), lambda: add(account, "a", CLOSES[0]))
    assert first == second == PaperOrder.objects.get()


@pytest.mark.django_db(transaction=True)
def test_a_cancellation_waits_for_the_fill_that_is_being_written(
    account: PaperAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the order would be told cancelled first and filled a moment later."""
    bring(AAPL=flat(10, 10))
    add(account, "a", CLOSES[0])
    filling, cancelling = Event(), Event()
    told: list[str] = []

    def slowly(book: Book, time: datetime, bars: Mapping[Series, Prices]) -> list[Execution]:
        filling.set()
        cancelling.wait(60)
        # The cancellation has begun, and must not be done before this transaction is.
        Event().wait(0.3)
        told.append(PaperOrder.objects.get(client_order_id="a").status)
        return match(book, time, bars)

    def cancel() -> str:
        filling.wait(60)
        cancelling.set()
        ledger = books(account, CLOSES[1])
        ledger.cancel("a")
        found = ledger.find("a")
        return found.state if found else ""

    monkeypatch.setattr(ledger_module, "match", slowly)
    assert at_once(lambda: match_until(account, CLOSES[1]), cancel) == [None, "filled"]
    assert told == ["working"]


def test_a_cancelled_order_says_so_and_is_never_filled(account: PaperAccount) -> None:
    bring(AAPL=flat(10, 10))
    order = add(account, "a", CLOSES[0])
    books(account, CLOSES[0]).cancel("a")
    match_until(account, CLOSES[1])
    order.refresh_from_db()
    assert (order.status, order.reason, filled(account)) == ("cancelled", "Cancelled on request.", [])
