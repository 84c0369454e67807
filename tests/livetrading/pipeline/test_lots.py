"""Booking of fills to trades and positions."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livetrading.brokers.protocol import BrokerFill
from livetrading.models import LivePosition, LiveStrategy, LiveTrade, Order, PaperPosition, PaperTrade
from livetrading.models.trade import BaseTrade, Trade
from livetrading.pipeline import lots
from livetrading.pipeline.lots import NotBookable
from tests.livetrading.factories import account_of, make_live_strategy, make_signal
from tests.livetrading.made_bars import TIMES
from tests.livetrading.pipeline import scripted_broker
from tradedesk.accounts.models import Mode, User

MICRO = Decimal("0.000001")


def fill(quantity: object, price: object, commission: object = 0, day: int = 0) -> BrokerFill:
    amounts = {"quantity": quantity, "price": price, "commission": commission}
    return BrokerFill(
        activity_id="1",
        client_order_id="desk-1",
        time=TIMES[day],
        **{name: Decimal(str(amount)) for name, amount in amounts.items()},
    )


def entry_of(user: User, live: LiveStrategy | None = None, *, mode: Mode = Mode.PAPER, **fields: Any) -> Order:
    return scripted_broker.entry_of(live or make_live_strategy(user=user, mode=mode), **fields)


def exit_of(entry: Order, purpose: str = "exit", **fields: Any) -> Order:
    return scripted_broker.exit_of(entry, **({"quantity": entry.quantity, "purpose": purpose} | fields))


def book_fill(order: Order, broker_fill: BrokerFill, day: int = 0) -> Trade:
    """Book the fill to the account as it is stored."""
    account = account_of(order.user, order.mode)
    trade = lots.book_fill(account, order, broker_fill, TIMES[day])
    account.save()
    return trade


def figures(trade: BaseTrade) -> tuple[Decimal, ...]:
    """Quantity, entry price, exit quantity, exit price, commission and profit, as stored."""
    trade.refresh_from_db()
    return (
        trade.quantity,
        trade.entry_price,
        trade.exit_quantity,
        trade.exit_price or Decimal(0),
        trade.commission,
        trade.pnl,
    )


# --- One lot ---------------------------------------------------------------------------------------------------


def test_the_first_fill_opens_the_lot(alice: User) -> None:
    live = make_live_strategy(user=alice)
    order = entry_of(alice, live, target=0.2, timeframe="1Hour")
    trade = book_fill(order, fill(40, 10, 1))
    assert figures(trade) == (40, 10, 0, 0, 1, -1)
    assert (trade.user, trade.live_strategy, trade.opening_order) == (alice, live, order)
    assert (trade.symbol, trade.timeframe, trade.entry_time) == ("AAPL", "1Hour", TIMES[0])
    assert (trade.stop_price, trade.target_price) == (9, 12)
    assert (trade.is_open, trade.exit_reason) == (True, "")


def test_the_next_fill_increases_the_lot_at_the_average_price(alice: User) -> None:
    order = entry_of(alice, target=0.2)
    book_fill(order, fill(40, 10, 1))
    trade = book_fill(order, fill(60, 11, 2, day=1))
    # (40 x 10 + 60 x 11) / 100 = 10.60; stop 10% below, target 20% above
    assert figures(trade) == (100, Decimal("10.6"), 0, 0, 3, -3)
    assert (trade.stop_price, trade.target_price) == (Decimal("9.54"), Decimal("12.72"))
    assert trade.entry_time == TIMES[0]
    assert PaperTrade.objects.count() == 1


def test_the_average_price_is_rounded_to_a_millionth(alice: User) -> None:
    order = entry_of(alice)
    for price in (10, 10, 11):
        trade = book_fill(order, fill(1, price))
    assert figures(trade)[1] == Decimal("10.333333")


def test_an_entry_without_a_stop_has_none(alice: User) -> None:
    trade = book_fill(entry_of(alice, stop=None), fill(40, 10))
    assert (trade.stop_price, trade.target_price, trade.r_multiple) == (None, None, None)


def test_a_partial_exit_realizes_its_part_of_the_profit(alice: User) -> None:
    entry = entry_of(alice)
    book_fill(entry, fill(100, 10, 2))
    trade = book_fill(exit_of(entry), fill(30, 12, 1, day=1))
    # 30 x (12 - 10) - 2 - 1
    assert figures(trade) == (100, 10, 30, 12, 3, 57)
    assert (trade.is_open, trade.open_quantity, trade.exit_time, trade.exit_reason) == (True, 70, None, "")


def test_the_sale_of_the_last_share_closes_the_lot(alice: User) -> None:
    entry = entry_of(alice)
    book_fill(entry, fill(100, 10, 2))
    exit_order = exit_of(entry)
    book_fill(exit_order, fill(30, 12, 1, day=1))
    trade = book_fill(exit_order, fill(70, 9, 1, day=2))
    # exit at (30 x 12 + 70 x 9) / 100 = 9.90; 30 x 2 - 70 x 1 - 4 = -14
    assert figures(trade) == (100, 10, 100, Decimal("9.9"), 4, -14)
    assert (trade.is_open, trade.exit_time) == (False, TIMES[2])
    assert trade.return_fraction == -0.014
    assert trade.r_multiple == -0.14  # the stop was a dollar below the entry


@pytest.mark.parametrize(
    ("purpose", "by_signal", "reason"),
    [
        ("exit", True, "signal"),
        ("exit", False, "manual"),
        ("stop_loss", False, "stop_loss"),
        ("take_profit", False, "take_profit"),
    ],
)
def test_the_exit_reason_follows_from_the_order(alice: User, purpose: str, by_signal: bool, reason: str) -> None:
    live = make_live_strategy(user=alice)
    entry = entry_of(alice, live)
    book_fill(entry, fill(100, 10))
    signal = make_signal(live_strategy=live, side="sell") if by_signal else None
    trade = book_fill(exit_of(entry, purpose, signal=signal), fill(100, 12))
    assert trade.exit_reason == reason


def test_a_sale_of_a_lot_that_was_never_opened_is_an_error(alice: User) -> None:
    with pytest.raises(NotBookable, match="5 AAPL were sold from a lot that was never opened"):
        book_fill(exit_of(entry_of(alice)), fill(5, 10))


def test_a_sale_of_more_than_the_lot_has_is_an_error(alice: User) -> None:
    entry = entry_of(alice)
    book_fill(entry, fill(40, 10))
    book_fill(exit_of(entry), fill(10, 12))
    with pytest.raises(NotBookable, match=r"30\.00001 AAPL were sold from a lot with 30 shares"):
        book_fill(exit_of(entry), fill("30.00001", 10))


def test_an_entry_fill_after_a_complete_sale_reopens_the_lot(alice: User) -> None:
    entry = entry_of(alice)
    book_fill(entry, fill(50, 10))
    book_fill(exit_of(entry), fill(50, 12, day=1))
    trade = book_fill(entry, fill(50, 11, day=2))
    # All 100 cost 10.50 on average, so the 50 sold shares have earned 1.50 each.
    assert figures(trade) == (100, Decimal("10.5"), 50, 12, 0, 75)
    assert (trade.is_open, trade.open_quantity, trade.exit_time, trade.exit_reason) == (True, 50, None, "")
    trade = book_fill(exit_of(entry), fill(50, 10, day=3))
    # 50 x 12 + 50 x 10 - 50 x 10 - 50 x 11
    assert figures(trade)[-1] == 50
    assert trade.exit_time == TIMES[3]


def test_live_fills_are_booked_as_live_trades(alice: User) -> None:
    entry = entry_of(alice, mode=Mode.LIVE)
    trade = book_fill(entry, fill(100, 10))
    assert list(LiveTrade.objects.all()) == [trade]
    assert LivePosition.objects.get().quantity == 100
    assert (PaperTrade.objects.count(), PaperPosition.objects.count()) == (0, 0)


# --- Any sequence of fills -------------------------------------------------------------------------------------

CENTS = st.integers(1, 10_000_00).map(lambda cents: Decimal(cents) / 100)
FILLS = st.lists(
    st.tuples(st.booleans(), st.integers(1, 500), CENTS, st.integers(0, 500).map(lambda c: Decimal(c) / 100)),
    min_size=1,
    max_size=12,
)


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILLS)
def test_the_profit_of_a_closed_lot_is_the_cash_received_minus_the_cash_paid(
    alice: User, fills: list[tuple[bool, int, Decimal, Decimal]]
) -> None:
    with rolled_back():
        entry = entry_of(alice, quantity=Decimal(10_000))
        exit_order = exit_of(entry)
        cash, held, bought = Decimal(0), 0, 0
        for buys, quantity, price, commission in [(True, 10, Decimal(50), Decimal(1)), *fills]:
            shares = quantity if buys else min(quantity, held)
            if shares:
                trade = book_fill(entry if buys else exit_order, fill(shares, price, commission))
                cash -= (shares if buys else -shares) * price + commission
                held += shares if buys else -shares
                bought += shares if buys else 0
                assert (trade.open_quantity, trade.is_open) == (held, held > 0)
        if held:
            trade = book_fill(exit_order, fill(held, 60, 1))
            cash += held * 60 - 1
        # The average is rounded to half a millionth a share at each fill.
        assert abs(trade.pnl - cash) <= bought * MICRO * len(fills)
        assert trade.exit_quantity == trade.quantity == bought
        assert trade.exit_time is not None
