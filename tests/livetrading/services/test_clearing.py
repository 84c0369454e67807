"""Clearing all trading data of a user."""

import builtins

import pytest
from django.core.management import CommandError, call_command

from livetrading.models import AccountDay, BrokerAccount, LiveStrategy, Order
from livetrading.services.clearing import NotCleared, clear_trading_data, trading_data
from livetrading.services.reset import reset_paper
from livetrading.services.trade_totals import differences
from tests.livetrading.factories import (
    NOW,
    TODAY,
    WALL,
    account_of,
    closed,
    make_desk_rows,
    make_live_strategy,
    make_live_trade,
    make_order,
)
from tradedesk.accounts.models import Mode, User
from tradedesk.audit.models import AuditRecord


@pytest.fixture
def trader(alice: User, bob: User) -> User:
    """Alice has traded on paper, before a reset too, and with real money, of which nothing is held."""
    make_desk_rows(bob, 1)
    make_desk_rows(alice, 1)
    reset_paper(alice, NOW, WALL, by=alice)
    make_desk_rows(alice, 1)
    make_live_trade(user=alice, live_strategy=make_live_strategy(user=alice, mode=Mode.LIVE), **closed(NOW))
    return alice


def test_everything_of_this_user_is_deleted_and_the_accounts_stay(trader: User, bob: User) -> None:
    before, others = trading_data(trader), trading_data(bob)
    AccountDay.objects.create(account=account_of(trader), day=TODAY, start=100, equity=140)
    assert clear_trading_data(trader, WALL) == before
    assert not AccountDay.objects.filter(account__user=trader).exists()
    found = trading_data(trader)
    assert (found.strategies, found.signals, found.orders, found.trades, found.notifications) == (0,) * 5
    accounts = BrokerAccount.objects.filter(user=trader).order_by("pk")
    assert [(each.mode, each.archived_at) for each in accounts] == [(Mode.PAPER, None), (Mode.LIVE, None)]
    assert account_of(trader).paper_account.cash == account_of(trader).paper_account.starting_cash
    assert trader.strategies.exists()
    assert trader.backtests.exists()
    assert trading_data(bob) == others
    assert list(differences()) == []
    assert AuditRecord.objects.filter(action="trading_data_cleared").count() == 1


@pytest.mark.parametrize("what", ["position", "order"])
def test_it_is_refused_while_something_is_held_or_at_work_at_a_broker(trader: User, what: str) -> None:
    if what == "position":
        make_live_trade(user=trader)
    else:
        make_order(user=trader, mode=Mode.LIVE, state="accepted")
    before = trading_data(trader)
    with pytest.raises(NotCleared):
        clear_trading_data(trader, WALL)
    with pytest.raises(CommandError):
        call_command("clear_trading_data", trader.email, "--yes")
    assert trading_data(trader) == before


def test_the_command_asks_first(trader: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError):
        call_command("clear_trading_data", "nobody@example.com", "--yes")
    monkeypatch.setattr(builtins, "input", lambda _prompt: "yes")
    with pytest.raises(CommandError):
        call_command("clear_trading_data", trader.email)
    assert Order.objects.filter(user=trader).exists()
    monkeypatch.setattr(builtins, "input", lambda _prompt: " clear ")
    call_command("clear_trading_data", trader.email)
    assert not LiveStrategy.with_deleted.filter(user=trader).exists()
