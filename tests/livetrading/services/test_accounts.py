"""The broker accounts of a user."""

from decimal import Decimal
from typing import Any

import pytest

from livetrading.brokers.protocol import OrderRequest
from livetrading.models import PaperAccount
from livetrading.services.accounts import NoBroker, broker_for, paper_account
from tests.livetrading.at_once import at_once
from tests.livetrading.made_bars import CLOSES, OPENS, flat, store_bars
from tradedesk.accounts.models import Mode, User


def test_the_first_call_opens_the_paper_account(alice: User, settings: Any) -> None:
    settings.PAPER_STARTING_CASH = 12_345.67
    account = paper_account(alice.pk)
    account.refresh_from_db()
    assert (account.user, account.starting_cash, account.cash) == (alice, Decimal("12345.67"), Decimal("12345.67"))
    assert set(account.costs().as_dict().values()) == {0}


def test_an_open_account_is_not_changed(alice: User, settings: Any) -> None:
    first = paper_account(alice.pk)
    PaperAccount.objects.update(cash=5)
    settings.PAPER_STARTING_CASH = 1.0
    again = paper_account(alice.pk)
    assert (again, again.starting_cash, again.cash) == (first, first.starting_cash, 5)


def test_each_user_has_a_separate_account(alice: User, bob: User) -> None:
    assert paper_account(alice.pk) != paper_account(bob.pk)
    assert (alice.paper_account.user, bob.paper_account.user) == (alice, bob)


@pytest.mark.django_db(transaction=True)
def test_two_concurrent_requests_open_one_account(alice: User) -> None:
    first, second = at_once(*[lambda: paper_account(alice.pk)] * 2)
    assert first == second == PaperAccount.objects.get()


def test_the_simulated_broker_reports_only_the_orders_of_its_user(alice: User, bob: User) -> None:
    store_bars(AAPL=flat(10, 11))
    order = OrderRequest(client_order_id="a", symbol="AAPL", timeframe="1Day", side="buy", quantity=Decimal(1))
    broker_for(alice.pk, Mode.PAPER, CLOSES[0]).submit(order)
    assert broker_for(alice.pk, Mode.PAPER, CLOSES[0]).order_by_client_id("a")
    assert broker_for(bob.pk, Mode.PAPER, CLOSES[0]).order_by_client_id("a") is None
    assert [fill.price for fill in broker_for(alice.pk, Mode.PAPER, CLOSES[1]).fills_since("")] == [11]
    assert broker_for(bob.pk, Mode.PAPER, CLOSES[1]).fills_since("") == []


def test_the_brokers_clock_is_the_market_clock(alice: User) -> None:
    clock = broker_for(alice.pk, Mode.PAPER, OPENS[1]).clock()
    assert (clock.now, clock.is_open, clock.next_open) == (OPENS[1], True, OPENS[2])
    assert not broker_for(alice.pk, Mode.PAPER, CLOSES[1]).clock().is_open


def test_live_mode_has_no_broker(alice: User) -> None:
    with pytest.raises(NoBroker):
        broker_for(alice.pk, Mode.LIVE, CLOSES[0])
    assert not PaperAccount.objects.exists()
