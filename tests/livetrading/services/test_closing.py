"""What closing by hand sells, and what it refuses."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from livetrading.models import BrokerAccount, Order, PaperTrade
from livetrading.services.closing import NotClosed, close_lot, close_lots, close_position, close_strategy
from tests.livetrading.factories import (
    NOW,
    WALL,
    account_of,
    make_live_strategy,
    make_live_trade,
    make_order,
    make_paper_trade,
    make_stop,
)
from tests.livetrading.published import published
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord


@pytest.fixture
def lots(alice: User) -> list[PaperTrade]:
    """10, 20 and 30 AAPL, the oldest first, and 5 IBM."""
    since = NOW - timedelta(days=9)
    made = [
        make_paper_trade(user=alice, quantity=Decimal(10 * n), entry_time=since + timedelta(days=n))
        for n in (1, 2, 3)
    ]
    return [*made, make_paper_trade(user=alice, symbol="IBM", quantity=Decimal(5))]


def closed(account: BrokerAccount, quantity: object = None, symbol: str = "AAPL") -> list[Order]:
    shares = None if quantity is None else Decimal(str(quantity))
    return close_position(account, symbol, shares, by=account.user, now=NOW, wall_now=WALL)


def sold(orders: list[Order]) -> list[tuple[object, Decimal, bool]]:
    return [(order.opening_order_id, order.quantity, order.partial) for order in orders]


@pytest.mark.parametrize(
    ("quantity", "shares"),
    [
        (None, [(10, False), (20, False), (30, False)]),
        (60, [(10, False), (20, False), (30, False)]),
        (5, [(5, True)]),
        (10, [(10, False)]),
        (25, [(10, False), (15, True)]),
        (59, [(10, False), (20, False), (29, True)]),
    ],
)
def test_the_oldest_lots_are_sold_first(
    lots: list[PaperTrade], quantity: object, shares: list[tuple[int, bool]]
) -> None:
    orders = closed(lots[0].account, quantity)
    assert [(order.quantity, order.partial) for order in orders] == shares
    assert [order.opening_order_id for order in orders] == [lot.opening_order_id for lot in lots[: len(shares)]]
    assert {(o.purpose, o.side, o.type, o.state, o.signal_id) for o in orders} == {
        ("exit", "sell", "market", "pending", None)
    }
    assert {record.action for record in AuditRecord.objects.all()} == {"close", "order_created"}


@pytest.mark.parametrize("quantity", [None, 25, 60])
def test_a_repeated_request_returns_the_same_orders(lots: list[PaperTrade], quantity: object) -> None:
    first = closed(lots[0].account, quantity)
    assert sold(closed(lots[0].account, quantity)) == sold(first)
    assert Order.objects.filter(purpose="exit").count() == len(first)


def test_a_lot_and_a_strategy_sell_only_their_own(alice: User, lots: list[PaperTrade]) -> None:
    live = make_live_strategy(user=alice, status="stopped")
    own = make_paper_trade(user=alice, live_strategy=live)
    (order,) = close_strategy(live, by=alice, now=NOW, wall_now=WALL)
    assert (order.opening_order_id, order.live_strategy_id) == (own.opening_order_id, live.pk)
    (order,) = close_lot(own.account, lots[1].opening_order_id, Decimal(3), by=alice, now=NOW, wall_now=WALL)
    assert (order.opening_order_id, order.quantity) == (lots[1].opening_order_id, 3)


@pytest.mark.parametrize(
    ("quantity", "field"),
    [
        (0, "quantity"),
        (-1, "quantity"),
        (61, "quantity"),
        (2.5, "quantity"),
        ("1e-9", "quantity"),
        (1e30, "quantity"),
    ],
)
def test_a_number_of_shares_that_cannot_be_sold_is_refused(
    lots: list[PaperTrade], quantity: object, field: str
) -> None:
    with pytest.raises(NotClosed) as refusal:
        closed(lots[0].account, quantity)
    assert refusal.value.field == field
    assert not Order.objects.filter(purpose="exit").exists()


def test_parts_of_a_share_are_sold_of_a_lot_that_has_them(alice: User) -> None:
    trade = make_paper_trade(user=alice, quantity=Decimal("2.75"))
    Order.objects.update(fractional=True)
    assert [order.quantity for order in closed(trade.account, "1.5")] == [Decimal("1.5")]


def test_nothing_is_sold_twice(alice: User, lots: list[PaperTrade]) -> None:
    account = lots[0].account
    closed(account, 15)
    with pytest.raises(NotClosed) as refusal:
        closed(account, 16)
    assert refusal.value.field == ""
    # The whole position takes over: the sale of a part ends first.
    orders = closed(account)
    assert [(o.quantity, o.partial, o.state) for o in orders] == [
        (10, False, "pending"),
        (20, False, "waiting"),
        (30, False, "pending"),
    ]


@pytest.mark.parametrize("selling", [{"purpose": "exit"}, {"purpose": "stop_loss", "type": "market"}])
def test_a_lot_that_is_being_sold_gets_no_second_order(lots: list[PaperTrade], selling: dict[str, Any]) -> None:
    lot = lots[3]
    (order,) = (make_order(user=lot.user, symbol="IBM", side="sell", opening_order=lot.opening_order, **selling),)
    assert [each.pk for each in closed(lot.account, symbol="IBM")] == [order.pk]
    with pytest.raises(NotClosed):
        closed(lot.account, 1, symbol="IBM")


def test_what_is_not_held_cannot_be_closed(alice: User, lots: list[PaperTrade]) -> None:
    for symbol in ("MSFT", ""):
        with pytest.raises(NotClosed):
            closed(lots[0].account, symbol=symbol)
    live = make_live_trade(user=alice)
    with pytest.raises(NotClosed, match="connection"):
        closed(live.account)


@pytest.mark.django_db(transaction=True)
def test_the_orders_and_a_tick_are_published(lots: list[PaperTrade]) -> None:
    with published() as tasks:
        (order,) = closed(lots[3].account, symbol="IBM")
    assert tasks == [("send_orders", [[str(order.pk)]]), ("tick_now", [order.account_id])]


def test_the_number_of_queries_does_not_depend_on_the_lots(alice: User, bob: User) -> None:
    counts = []
    for user, lots in ((alice, 1), (bob, 20)):
        closed(make_paper_trade(user=user, symbol="IBM").account, symbol="IBM")  # the first change of this user
        for _ in range(lots):
            make_stop(trade=make_paper_trade(user=user))
        with CaptureQueriesContext(connection) as queries:
            assert len(closed(account_of(user))) == lots
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_key_holds_for_the_sales_that_were_already_at_work(lots: list[PaperTrade]) -> None:
    account = lots[0].account
    first = closed(account)
    keyed: dict[str, Any] = {"by": account.user, "now": NOW, "wall_now": WALL, "close_key": "press"}
    assert close_position(account, "AAPL", None, **keyed) == first
    Order.objects.filter(purpose="exit").update(state="cancelled")
    again = close_position(account, "AAPL", None, **keyed)
    assert {order.pk for order in again} == {order.pk for order in first}


def test_a_key_of_another_sale_sells_nothing(lots: list[PaperTrade]) -> None:
    """Found under the lock: two requests at the same moment have both not found it before."""
    account = lots[0].account
    make_paper_trade(user=account.user, symbol="IBM")
    keyed: dict[str, Any] = {"by": account.user, "now": NOW, "wall_now": WALL, "close_key": "press"}
    close_position(account, "AAPL", None, **keyed)
    with pytest.raises(NotClosed, match="key"):
        close_position(account, "IBM", None, **keyed)
    assert not Order.objects.filter(purpose="exit", symbol="IBM").exists()
    other: dict[str, Any] = keyed | {"request_digest": "of another request"}
    earlier = close_lots(account, {"symbol": "IBM"}, None, **other)
    assert {order.symbol for order in earlier} == {"AAPL"}  # the caller compares the digests
