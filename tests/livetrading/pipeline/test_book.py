"""A strategy's book: its own lots, its working orders and its realized profit."""

from decimal import Decimal
from typing import Any

import pytest

from livetrading.models import LiveStrategy, Order, OrderState
from livetrading.models.order import WORKING
from livetrading.pipeline.book import StrategyBook, read_books
from tests.livetrading.factories import (
    NOW,
    closed,
    make_live_strategy,
    make_live_trade,
    make_order,
    make_paper_trade,
)
from tradedesk.accounts.models import Mode, User


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


def read_book(live: LiveStrategy, without: Order | None = None) -> StrategyBook:
    (book,) = read_books(live.account, [live], without=without).values()
    return book


def make_strategy_order(live: LiveStrategy, symbol: str, purpose: str, state: str = "pending") -> Order:
    side = "buy" if purpose == "entry" else "sell"
    return make_order(
        user=live.user, live_strategy=live, symbol=symbol, purpose=purpose, side=side, state=state, mode=live.mode
    )


def test_a_new_strategy_has_an_empty_book(live: LiveStrategy) -> None:
    assert read_book(live) == StrategyBook()
    assert read_book(live).open_positions() == 0
    assert read_book(live).unrealized({}) == 0.0


def test_the_book_has_the_open_lots_by_symbol_and_no_closed_ones(live: LiveStrategy, alice: User) -> None:
    held = make_paper_trade(user=alice, live_strategy=live, symbol="AAPL")
    make_paper_trade(user=alice, live_strategy=live, symbol="IBM", **closed(NOW))
    assert read_book(live).lots == {"AAPL": held}


def test_lots_and_orders_of_others_are_not_in_the_book(live: LiveStrategy, alice: User, bob: User) -> None:
    for other in (make_live_strategy(user=alice), make_live_strategy(user=bob)):
        make_paper_trade(user=other.user, live_strategy=other, **closed(NOW))
        make_paper_trade(user=other.user, live_strategy=other, symbol="IBM")
        make_strategy_order(other, "MSFT", "entry")
    make_paper_trade(user=alice, symbol="GOOG")  # a manual trade
    assert read_book(live) == StrategyBook()


def test_a_live_strategy_reads_its_live_trades(alice: User) -> None:
    live = make_live_strategy(user=alice, mode=Mode.LIVE)
    held = make_live_trade(user=alice, live_strategy=live)
    make_paper_trade(user=alice, live_strategy=live, symbol="IBM")
    assert read_book(live).lots == {"AAPL": held}


def test_the_realized_profit_is_the_total_of_the_strategy(alice: User) -> None:
    assert read_book(make_live_strategy(user=alice, realized_pnl=Decimal("-9.5"))).realized == -9.5


def test_open_lots_are_valued_at_the_closes(live: LiveStrategy, alice: User) -> None:
    make_paper_trade(user=alice, live_strategy=live)  # 10 at 30
    make_paper_trade(user=alice, live_strategy=live, symbol="IBM", quantity=Decimal(8), exit_quantity=Decimal(3))
    # 10 x (31 - 30) + 5 x (26 - 30)
    assert read_book(live).unrealized({"AAPL": 31.0, "IBM": 26.0}) == -10.0
    # A lot without a close counts at what was paid.
    assert read_book(live).unrealized({"AAPL": 31.0}) == 10.0


@pytest.mark.parametrize("state", list(OrderState))
def test_only_working_orders_count_as_entering_or_exiting(live: LiveStrategy, state: OrderState) -> None:
    make_strategy_order(live, "AAPL", "entry", state)
    make_strategy_order(live, "IBM", "exit", state)
    book = read_book(live)
    working = state in WORKING
    assert (book.entering, book.exiting) == (({"AAPL"}, {"IBM"}) if working else (set(), set()))


@pytest.mark.parametrize("purpose", ["stop_loss", "take_profit"])
def test_a_working_protective_exit_does_not_count_as_exiting(
    live: LiveStrategy, alice: User, purpose: str
) -> None:
    make_paper_trade(user=alice, live_strategy=live)
    make_strategy_order(live, "AAPL", purpose, "accepted")
    book = read_book(live)
    assert (book.exiting, book.open_positions()) == (set(), 1)


@pytest.mark.parametrize(
    ("held", "exiting", "entering", "positions"),
    [
        ("AAPL IBM", "", "", 2),
        ("AAPL IBM", "IBM", "", 1),
        ("AAPL", "", "IBM", 2),
        ("AAPL", "", "AAPL", 1),  # partially filled: one position
        ("AAPL", "AAPL", "IBM", 1),
        ("", "IBM", "", 0),
    ],
)
def test_the_number_of_open_positions(
    live: LiveStrategy, alice: User, held: str, exiting: str, entering: str, positions: int
) -> None:
    for symbol in held.split():
        make_paper_trade(user=alice, live_strategy=live, symbol=symbol)
    for purpose, symbols in (("exit", exiting), ("entry", entering)):
        for symbol in symbols.split():
            make_strategy_order(live, symbol, purpose)
    assert read_book(live).open_positions() == positions


def test_one_order_can_be_left_out(live: LiveStrategy) -> None:
    mine = make_strategy_order(live, "AAPL", "entry", "submitting")
    make_strategy_order(live, "IBM", "entry")
    assert read_book(live, without=mine).entering == {"IBM"}


def test_the_books_of_any_number_of_strategies_take_three_queries(
    live: LiveStrategy, alice: User, django_assert_num_queries: Any
) -> None:
    others = [make_live_strategy(user=alice) for _ in range(3)]
    for each in (live, *others[:2]):
        for symbol in ("AAPL", "GOOG", "IBM", "MSFT"):
            make_paper_trade(user=alice, live_strategy=each, symbol=symbol)
            make_strategy_order(each, symbol, "exit")
    with django_assert_num_queries(3):
        books = read_books(live.account, [live, *others])
    assert [len(book.lots) for book in books.values()] == [4, 4, 4, 0]
    assert list(books) == [live.pk, *(each.pk for each in others)]
