"""The broker accounts of a user."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from livetrading.brokers.protocol import BarMatching, OrderRequest
from livetrading.models import BrokerAccount, PaperAccount
from livetrading.services.accounts import NoBroker, active_account, broker_for
from tests.livetrading.at_once import at_once
from tests.livetrading.factories import account_of
from tests.livetrading.made_bars import CLOSES, flat, store_bars
from tradedesk.accounts.models import Mode, User
from tradedesk.core.bars import Timeframe
from tradedesk.core.rules import DEFAULT_COSTS, Costs

DAY = BarMatching(bar_minutes=Timeframe.DAY.minutes)


def test_the_first_call_opens_the_paper_account(alice: User, settings: Any) -> None:
    settings.PAPER_STARTING_CASH = 12_345.67
    account = active_account(alice.pk, Mode.PAPER)
    account.refresh_from_db()
    cash = Decimal("12345.67")
    assert (account.user, account.mode, account.broker, account.active) == (alice, "paper", "paper", True)
    assert (account.cash, account.equity, account.buying_power, account.booked_cash) == (cash,) * 4
    assert (account.snapshot_at, account.state, account.entries_stopped) == (None, "connected", False)
    books = account.paper_account
    assert (books.starting_cash, books.cash) == (cash, cash)
    assert books.costs() == DEFAULT_COSTS == Costs(slippage_bps=5.0)


def test_an_open_account_is_not_changed(alice: User, settings: Any) -> None:
    first = active_account(alice.pk, Mode.PAPER)
    PaperAccount.objects.update(cash=5)
    BrokerAccount.objects.update(cash=6)
    settings.PAPER_STARTING_CASH = 1.0
    again = active_account(alice.pk, Mode.PAPER)
    assert (again, again.cash, again.equity) == (first, 6, first.equity)
    assert (again.paper_account.starting_cash, again.paper_account.cash) == (first.equity, 5)


def test_each_user_has_a_separate_account(alice: User, bob: User) -> None:
    his, hers = active_account(bob.pk, Mode.PAPER), active_account(alice.pk, Mode.PAPER)
    assert his != hers
    assert (hers.user, his.user) == (alice, bob)
    assert (hers.paper_account.broker_account, his.paper_account.broker_account) == (hers, his)


def test_a_mode_has_one_active_account_and_any_number_of_others(alice: User) -> None:
    retired = BrokerAccount.objects.create(user=alice, broker="paper", mode="paper", name="Old", active=False)
    account = active_account(alice.pk, Mode.PAPER)
    assert account != retired
    with pytest.raises(IntegrityError), transaction.atomic():
        BrokerAccount.objects.create(user=alice, broker="paper", mode="paper", name="Second")
    assert active_account(alice.pk, Mode.PAPER) == account


@pytest.mark.django_db(transaction=True)
def test_two_concurrent_requests_open_one_account(alice: User) -> None:
    first, second = at_once(*[lambda: active_account(alice.pk, Mode.PAPER)] * 2)
    assert first == second == BrokerAccount.objects.get()
    assert PaperAccount.objects.get().broker_account == first


def test_the_simulated_broker_reports_only_the_orders_of_its_account(alice: User, bob: User) -> None:
    store_bars(AAPL=flat(10, 11))
    hers, his = active_account(alice.pk, Mode.PAPER), active_account(bob.pk, Mode.PAPER)
    order = OrderRequest(client_order_id="a", symbol="AAPL", side="buy", quantity=Decimal(1), matching=DAY)
    broker_for(hers, CLOSES[0]).submit(order)
    assert broker_for(hers, CLOSES[0]).order_by_client_id("a")
    assert broker_for(his, CLOSES[0]).order_by_client_id("a") is None
    assert [fill.price for fill in broker_for(hers, CLOSES[1]).fills_since("")] == [
        Decimal("11.0055")
    ]  # 5 basis points of slippage
    assert broker_for(his, CLOSES[1]).fills_since("") == []


def test_live_mode_has_no_account(alice: User) -> None:
    with pytest.raises(NoBroker):
        active_account(alice.pk, Mode.LIVE)
    assert not BrokerAccount.objects.exists()


def test_an_account_that_the_desk_cannot_reach_has_no_broker(alice: User) -> None:
    with pytest.raises(NoBroker):
        broker_for(account_of(alice, Mode.LIVE), CLOSES[0])
