"""What the simulated broker reports of an account: equity, positions and fills, separate for each account."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from livetrading.brokers.protocol import AccountReport, BrokerPosition
from livetrading.models import PaperAccount
from tests.livetrading.brokers.simulation.simulated_account import (
    broker_of,
    fills_of,
    ledger_balances,
    match_until,
    submit,
)
from tests.livetrading.made_bars import CLOSES, TIMES, damage_bars, flat, remove_bar_file, store_bars, traded
from tests.livetrading.pipeline.desk import open_account
from tradedesk.accounts.models import User


@pytest.fixture
def account(alice: User) -> PaperAccount:
    return open_account(alice, 10_000.0)


def test_equity_is_cash_plus_the_lots_at_their_last_closes(account: PaperAccount) -> None:
    ten = Decimal(10_000)
    assert broker_of(account, CLOSES[0]).account() == AccountReport(cash=ten, equity=ten, buying_power=ten)
    store_bars(AAPL=traded((10, 10, 10, 10), (10, 13, 10, 12), (12, 12, 11, 11)), IBM=flat(50, 50))
    submit(account, "a", CLOSES[0])
    submit(account, "b", CLOSES[0], 5)
    submit(account, "i", CLOSES[0], 2, symbol="IBM")
    match_until(account, CLOSES[1])
    # 10,000 - 150 - 100 in cash; 15 at 12 and 2 at 50
    report = broker_of(account, CLOSES[1]).account()
    assert (report.cash, report.equity, report.buying_power) == (9_750, 10_030, 9_750)
    # A day later AAPL closed at 11; IBM has no newer bar.
    assert broker_of(account, CLOSES[2]).account().equity == 10_015


@pytest.mark.parametrize("lose", [damage_bars, remove_bar_file])
def test_a_lot_without_readable_bars_is_valued_at_what_was_paid(
    account: PaperAccount, lose: Callable[[str], None]
) -> None:
    """The others stay at their closes, and the report does not fail."""
    store_bars(AAPL=traded((10, 10, 10, 10), (10, 13, 10, 12)), IBM=traded((50, 50, 50, 50), (50, 60, 50, 60)))
    submit(account, "a", CLOSES[0], 15)
    submit(account, "i", CLOSES[0], 2, symbol="IBM")
    match_until(account, CLOSES[1])
    assert broker_of(account, CLOSES[1]).account().equity == 10_000 + 15 * 2 + 2 * 10
    lose("AAPL")
    assert broker_of(account, CLOSES[1]).account().equity == 10_000 + 2 * 10


def test_a_position_is_the_sum_of_its_lots(account: PaperAccount) -> None:
    store_bars(AAPL=flat(10, 10, 14, 14), IBM=flat(50, 50, 50))
    submit(account, "i", CLOSES[0], 2, symbol="IBM")
    submit(account, "a", CLOSES[0], 30)
    match_until(account, CLOSES[1])
    submit(account, "b", CLOSES[1], 10)
    match_until(account, CLOSES[2])
    assert broker_of(account, CLOSES[2]).positions() == [
        BrokerPosition(symbol="AAPL", quantity=Decimal(40)),
        BrokerPosition(symbol="IBM", quantity=Decimal(2)),
    ]
    submit(account, "out", CLOSES[2], 20, closes="a")
    match_until(account, CLOSES[3])
    assert broker_of(account, CLOSES[3]).positions()[0] == BrokerPosition(symbol="AAPL", quantity=Decimal(20))


def test_two_accounts_have_separate_records(account: PaperAccount, bob: User) -> None:
    other = open_account(bob, 500.0)
    store_bars(AAPL=flat(10, 10))
    submit(account, "a", CLOSES[0])
    submit(other, "b", CLOSES[0])
    match_until(account, CLOSES[1])
    assert (fills_of(account), fills_of(other)) == ([("a", 1, 10, 10)], [])
    bobs_broker = broker_of(other, CLOSES[1])
    assert (bobs_broker.order_by_client_id("a"), bobs_broker.positions()) == (None, [])
    assert [order.client_order_id for order in bobs_broker.open_orders()] == ["b"]
    submit(account, "c", CLOSES[1])
    bobs_broker.cancel("c")
    assert [order.client_order_id for order in broker_of(account, CLOSES[1]).open_orders()] == ["c"]
    assert [fill.client_order_id for fill in bobs_broker.fills_since("")] == ["b"]
    assert ledger_balances(other)
    assert other.cash == 400


def test_fills_since_a_cursor_are_reported_oldest_first(account: PaperAccount) -> None:
    store_bars(AAPL=flat(10, 10, 11))
    submit(account, "a", CLOSES[0])
    match_until(account, CLOSES[1])
    submit(account, "b", CLOSES[1])
    match_until(account, CLOSES[2])
    broker = broker_of(account, CLOSES[2])
    first, second = broker.fills_since("")
    assert (first.client_order_id, first.price, first.time) == ("a", 10, TIMES[1])
    assert (second.client_order_id, second.price, second.time) == ("b", 11, TIMES[2])
    assert broker.fills_since(first.activity_id) == [second]
    assert broker.fills_since(second.activity_id) == []
