"""The simulated broker's records are written completely or not at all, and once when two workers write them."""

from collections.abc import Mapping
from datetime import datetime
from threading import Event

import pytest
from django.db import transaction

from livetrading.brokers.protocol import OrderRefused
from livetrading.brokers.simulation import books
from livetrading.brokers.simulation.matching import Book, Execution, Prices, Series, match
from livetrading.models import BrokerAccount, PaperAccount, PaperFill, PaperOrder
from tests.livetrading.at_once import at_once
from tests.livetrading.brokers.simulation.simulated_account import (
    broker_of,
    fills_of,
    ledger_balances,
    match_until,
    order_request,
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
    submit(account, "a", CLOSES[0], stop=0.1)
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
    assert fills_of(account) == [("a", 1, 10, 10), ("i", 1, 10, 50), ("a-stop", 2, 10, 8)]
    assert ledger_balances(account)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_two_matchers_at_once_fill_each_order_once(account: PaperAccount, attempt: int) -> None:
    store_bars(AAPL=flat(10, 10, 8), IBM=flat(50, 50, 50))
    submit(account, "a", CLOSES[0], stop=0.1)
    submit(account, "i", CLOSES[0], symbol="IBM")
    results = at_once(lambda: match_until(account, CLOSES[2]), lambda: match_until(account, CLOSES[2]))
    assert results == [None, None]
    assert fills_of(account) == [("a", 1, 10, 10), ("i", 1, 10, 50), ("a-stop", 2, 10, 8)]
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


# --- After a reset ---------------------------------------------------------------------------------------------


def test_an_order_of_records_that_were_emptied_since_is_refused(account: PaperAccount) -> None:
    before = broker_of(account, CLOSES[0], epoch=1)
    BrokerAccount.objects.update(epoch=2)
    with pytest.raises(OrderRefused, match="The account was reset after this order was made"):
        before.submit(order_request("a"))
    assert not PaperOrder.objects.exists()
    broker_of(account, CLOSES[0], epoch=2).submit(order_request("a"))
    assert PaperOrder.objects.get().client_order_id == "a"


@pytest.mark.django_db(transaction=True)
def test_an_order_sent_during_a_reset_waits_for_it_and_is_refused(account: PaperAccount) -> None:
    """Otherwise the order would be accepted before the reset ends, and be in the emptied records."""
    resetting, sent = Event(), Event()

    def reset() -> None:
        with transaction.atomic():
            BrokerAccount.objects.select_for_update().get()
            resetting.set()
            sent.wait(0.5)  # the other worker cannot end before this transaction
            BrokerAccount.objects.update(epoch=2)

    def send() -> None:
        resetting.wait(60)
        broker_of(account, CLOSES[0]).submit(order_request("a"))
        sent.set()

    done, refused = at_once(reset, send)
    assert done is None
    assert isinstance(refused, OrderRefused)
    assert not PaperOrder.objects.exists()


def test_a_matcher_of_an_earlier_epoch_fills_nothing(account: PaperAccount) -> None:
    """The records were emptied since it read the account; its market time may be later than theirs."""
    store_bars(AAPL=flat(10, 10, 8))
    BrokerAccount.objects.update(epoch=2)
    broker_of(account, CLOSES[0], epoch=2).submit(order_request("a", stop=0.1))
    assert broker_of(account, CLOSES[2], epoch=1).fills_since("") == []
    account.refresh_from_db()
    assert (fills_of(account), account.cash) == ([], 10_000)
    assert PaperOrder.objects.get().status == "working"
    assert len(broker_of(account, CLOSES[2], epoch=2).fills_since("")) == 2
