"""What the paper broker's books answer: worth, positions, fills, each account's own alone."""

from decimal import Decimal

import pytest

from livetrading.brokers.protocol import BrokerAccount, BrokerPosition
from livetrading.models import PaperAccount
from tests.livetrading.brokers.simulation.books import add, adds_up, books, filled, match_until
from tests.livetrading.made_bars import CLOSES, TIMES, bring, flat, traded
from tests.livetrading.pipeline.desk import open_account
from tradedesk.accounts.models import User


@pytest.fixture
def account(alice: User) -> PaperAccount:
    return open_account(alice, 10_000.0)


def test_an_account_is_worth_its_cash_and_its_lots_at_their_last_closes(account: PaperAccount) -> None:
    ten = Decimal(10_000)
    assert books(account, CLOSES[0]).account() == BrokerAccount(cash=ten, equity=ten, buying_power=ten)
    bring(AAPL=traded((10, 10, 10, 10), (10, 13, 10, 12), (12, 12, 11, 11)), IBM=flat(50, 50))
    add(account, "a", CLOSES[0])
    add(account, "b", CLOSES[0], 5)
    add(account, "i", CLOSES[0], 2, symbol="IBM")
    match_until(account, CLOSES[1])
    # 10,000 - 150 - 100 in cash; 15 at 12 and 2 at 50
    found = books(account, CLOSES[1]).account()
    assert (found.cash, found.equity, found.buying_power) == (9_750, 10_030, 9_750)
    # A day later AAPL closed at 11; IBM has no newer bar.
    assert books(account, CLOSES[2]).account().equity == 10_015


def test_positions_are_the_sum_of_the_lots_at_their_average(account: PaperAccount) -> None:
    bring(AAPL=flat(10, 10, 14, 14), IBM=flat(50, 50, 50))
    add(account, "i", CLOSES[0], 2, symbol="IBM")
    add(account, "a", CLOSES[0], 30)
    match_until(account, CLOSES[1])
    add(account, "b", CLOSES[1], 10)
    match_until(account, CLOSES[2])
    assert books(account, CLOSES[2]).positions() == [
        BrokerPosition(symbol="AAPL", quantity=Decimal(40), average_price=Decimal(11)),
        BrokerPosition(symbol="IBM", quantity=Decimal(2), average_price=Decimal(50)),
    ]
    # Of the 30 bought at 10 there are 10 left, beside 10 bought at 14.
    add(account, "out", CLOSES[2], 20, closes="a")
    match_until(account, CLOSES[3])
    assert books(account, CLOSES[3]).positions()[0] == BrokerPosition(
        symbol="AAPL", quantity=Decimal(20), average_price=Decimal(12)
    )


def test_the_books_of_two_accounts_are_apart(account: PaperAccount, bob: User) -> None:
    other = open_account(bob, 500.0)
    bring(AAPL=flat(10, 10))
    add(account, "a", CLOSES[0])
    add(other, "b", CLOSES[0])
    match_until(account, CLOSES[1])
    assert (filled(account), filled(other)) == ([("a", 1, 10, 10)], [])
    theirs = books(other, CLOSES[1])
    assert (theirs.find("a"), theirs.fills_after(""), theirs.positions()) == (None, [], [])
    assert [order.client_order_id for order in theirs.working()] == ["b"]
    add(account, "c", CLOSES[1])
    theirs.cancel("c")
    assert [order.client_order_id for order in books(account, CLOSES[1]).working()] == ["c"]
    assert adds_up(other)
    assert other.cash == 500


def test_fills_come_after_the_cursor_and_oldest_first(account: PaperAccount) -> None:
    bring(AAPL=flat(10, 10, 11))
    add(account, "a", CLOSES[0])
    match_until(account, CLOSES[1])
    add(account, "b", CLOSES[1])
    match_until(account, CLOSES[2])
    ledger = books(account, CLOSES[2])
    first, second = ledger.fills_after("")
    assert (first.client_order_id, first.price, first.time) == ("a", 10, TIMES[1])
    assert (second.client_order_id, second.price, second.time) == ("b", 11, TIMES[2])
    assert ledger.fills_after(first.activity_id) == [second]
    assert ledger.fills_after(second.activity_id) == []
