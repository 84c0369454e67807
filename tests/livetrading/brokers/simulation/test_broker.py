"""The simulated broker: which bar fills an order, and how each fill changes lots and cash."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from livetrading.models import PaperAccount, PaperFill, PaperOrder
from tests.livetrading.brokers.simulation.simulated_account import (
    broker_of,
    fills_of,
    ledger_balances,
    match_until,
    submit,
)
from tests.livetrading.made_bars import (
    CLOSES,
    OPENS,
    TIMES,
    damage_bars,
    flat,
    remove_bar_file,
    store_bars,
    traded,
)
from tests.livetrading.pipeline.desk import open_account
from tradedesk.accounts.models import User
from tradedesk.core.bars import to_datetime64
from tradedesk.core.rules import Costs

MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)


@pytest.fixture
def account(alice: User) -> PaperAccount:
    return open_account(alice, 10_000.0)


# --- Which bar -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "session"),
    [
        (CLOSES[0], 1),
        (OPENS[1] - 30 * MINUTE, 1),  # 9:00 in New York
        (OPENS[1], 1),
        (OPENS[1] + TICK, 2),
        (CLOSES[1] - MINUTE, 2),
        (CLOSES[4], 5),  # Friday: Monday
        (CLOSES[4] + timedelta(days=1), 5),
    ],
)
def test_an_order_is_filled_on_the_first_bar_that_opens_after_it_was_accepted(
    account: PaperAccount, accepted: datetime, session: int
) -> None:
    store_bars(AAPL=flat(10, 11, 12, 13, 14, 15, 16))
    submit(account, "a", accepted)
    match_until(account, CLOSES[6])
    assert fills_of(account) == [("a", session, 10, 10 + session)]


def test_an_order_is_not_filled_before_that_bar_has_closed(account: PaperAccount) -> None:
    store_bars(AAPL=flat(10, 11, 12))
    submit(account, "a", CLOSES[0])
    match_until(account, CLOSES[0])
    match_until(account, CLOSES[1] - TICK)
    assert fills_of(account) == []
    match_until(account, CLOSES[1])
    assert fills_of(account) == [("a", 1, 10, 11)]


def test_an_intraday_order_waits_for_the_next_bar_of_its_timeframe(account: PaperAccount) -> None:
    days = flat(10, 11, 12, 13)
    times = to_datetime64(OPENS[0]) + np.arange(0, 20, 5).astype("timedelta64[m]")
    store_bars("5Min", AAPL=replace(days, time=times))
    submit(account, "a", OPENS[0] + 6 * MINUTE, timeframe="5Min")
    match_until(account, OPENS[0] + 14 * MINUTE)
    assert account.fills.count() == 0
    match_until(account, OPENS[0] + 15 * MINUTE)
    fill = account.fills.get()
    assert (fill.bar_time, fill.price) == (OPENS[0] + 10 * MINUTE, 12)


def test_an_order_waits_for_its_own_symbol(account: PaperAccount) -> None:
    store_bars(AAPL=flat(10), IBM=flat(50, 51))
    submit(account, "a", CLOSES[0])
    submit(account, "i", CLOSES[0], symbol="IBM")
    match_until(account, CLOSES[1])
    assert fills_of(account) == [("i", 1, 10, 51)]
    assert PaperOrder.objects.get(client_order_id="a").status == "working"


def test_bars_that_are_imported_late_are_matched_in_the_order_of_their_closes(account: PaperAccount) -> None:
    """Three sessions arrive together: bought on the first bar, stopped out on the second, nothing left on the
    third."""
    store_bars(AAPL=flat(10))
    submit(account, "a", CLOSES[0], stop=0.1)
    match_until(account, CLOSES[3])
    assert fills_of(account) == []
    store_bars(AAPL=traded((10, 10, 10, 10), (11, 12, 10.5, 12), (12, 12, 9, 10), (8, 8, 8, 8)))
    match_until(account, CLOSES[3])
    # Stop at 11 x 0.9
    assert fills_of(account) == [("a", 1, 10, 11), ("a-stop", 2, 10, Decimal("9.9"))]
    assert ledger_balances(account)


def test_late_bars_of_two_symbols_are_matched_bar_by_bar_across_both(account: PaperAccount) -> None:
    """The purchase of IBM needs the cash from the sale of AAPL on the same day."""
    store_bars(AAPL=flat(900, 1000), IBM=flat(50, 50))
    submit(account, "a", CLOSES[0])
    match_until(account, CLOSES[1])
    submit(account, "out", CLOSES[1], closes="a")
    submit(account, "i", CLOSES[1], 100, symbol="IBM")
    store_bars(AAPL=flat(900, 1000, 1100, 1100), IBM=flat(50, 50, 60, 60))
    match_until(account, CLOSES[3])
    assert fills_of(account) == [("a", 1, 10, 1000), ("out", 2, 10, 1100), ("i", 2, 100, 60)]
    assert ledger_balances(account)
    # 10,000 - 10,000 + 11,000 - 6,000
    assert account.cash == 5_000


@pytest.mark.parametrize("lose", [damage_bars, remove_bar_file])
def test_a_symbol_without_readable_bars_waits_and_the_others_are_matched(
    account: PaperAccount, lose: Callable[[str], None]
) -> None:
    """The lot of IBM has no readable bars any more, nor has the order for MSFT; AAPL is bought and stopped out."""
    store_bars(AAPL=flat(10, 10, 8), IBM=flat(50, 50, 40), MSFT=flat(20, 20, 20))
    submit(account, "i", CLOSES[0], 1, symbol="IBM", stop=0.1)
    match_until(account, CLOSES[1])
    submit(account, "m", CLOSES[0], 1, symbol="MSFT")
    submit(account, "a", CLOSES[0], stop=0.1)
    for symbol in ("IBM", "MSFT"):
        lose(symbol)
    match_until(account, CLOSES[2])
    assert fills_of(account) == [("i", 1, 1, 50), ("a", 1, 10, 10), ("a-stop", 2, 10, 8)]
    assert PaperOrder.objects.get(client_order_id="m").status == "working"
    for symbol in ("IBM", "MSFT"):
        remove_bar_file(symbol)  # as the message of damaged bars says
    store_bars(IBM=flat(50, 50, 40), MSFT=flat(20, 20, 20))
    match_until(account, CLOSES[2])
    assert fills_of(account)[3:] == [("m", 1, 1, 20), ("i-stop", 2, 1, 40)]
    assert ledger_balances(account)


def test_a_bar_is_matched_once(account: PaperAccount) -> None:
    """The stop at 9 is triggered neither by the bar before the purchase nor twice by the bar after it."""
    store_bars(AAPL=traded((10, 10, 5, 10), (10, 10, 10, 10), (10, 10, 8, 10), (10, 10, 8, 10)))
    submit(account, "a", CLOSES[0], stop=0.1)
    for now in (CLOSES[1], CLOSES[1], CLOSES[2], CLOSES[2], CLOSES[3]):
        match_until(account, now)
    assert fills_of(account) == [("a", 1, 10, 10), ("a-stop", 2, 10, 9)]


def test_each_protective_exit_stores_the_last_bar_it_was_matched_with(account: PaperAccount) -> None:
    store_bars(AAPL=flat(10, 10, 10, 10), IBM=flat(50, 50))
    submit(account, "a", CLOSES[0], stop=0.1, target=0.5)
    submit(account, "i", CLOSES[0], 1, symbol="IBM", stop=0.1)
    match_until(account, CLOSES[3])
    matched_until = dict(PaperOrder.objects.exclude(kind="market").values_list("client_order_id", "matched_until"))
    assert matched_until == {"a-stop": TIMES[3], "a-target": TIMES[3], "i-stop": TIMES[1]}


# --- Entries and exits -----------------------------------------------------------------------------------------


def test_the_ledger_records_a_purchase_with_its_costs(alice: User) -> None:
    """10 at 11 x 1.01 = 11.11; commission 1 + 0.01 a share + 0.1% of 111.10 = 1.2111."""
    costs = Costs(commission_per_order=1, commission_per_share=0.01, commission_bps=10, slippage_bps=100)
    account = open_account(alice, 10_000.0, costs)
    store_bars(AAPL=flat(10, 11))
    submit(account, "a", CLOSES[0])
    match_until(account, CLOSES[1])
    fill = PaperFill.objects.get()
    assert (fill.quantity, fill.price, fill.commission) == (10, Decimal("11.11"), Decimal("1.2111"))
    assert (fill.cash_change, fill.cash_after) == (Decimal("-112.3111"), Decimal("9887.6889"))
    assert ledger_balances(account)


def test_a_filled_entry_is_a_lot_with_its_protective_exits(account: PaperAccount) -> None:
    store_bars(AAPL=flat(10, 20))
    entry = submit(account, "a", CLOSES[0], stop=0.05, target=0.1, fractional=True)
    match_until(account, CLOSES[1])
    entry.refresh_from_db()
    assert (entry.status, entry.filled_quantity, entry.open_quantity) == ("filled", 10, 10)
    legs = PaperOrder.objects.filter(closes="a").order_by("client_order_id")
    assert [(leg.client_order_id, leg.kind, leg.trigger_price) for leg in legs] == [
        ("a-stop", "stop_loss", 19),
        ("a-target", "take_profit", 22),
    ]
    for leg in legs:
        assert (leg.side, leg.status, leg.quantity, leg.open_quantity) == ("sell", "working", 10, 0)
        assert (leg.symbol, leg.timeframe, leg.fractional, leg.account) == ("AAPL", "1Day", True, account)
        assert (leg.accepted_at, leg.matched_until) == (TIMES[1], TIMES[1])


def test_an_entry_without_stop_and_target_has_no_protective_exits(account: PaperAccount) -> None:
    store_bars(AAPL=flat(10, 10, 1))
    submit(account, "a", CLOSES[0])
    match_until(account, CLOSES[2])
    assert fills_of(account) == [("a", 1, 10, 10)]
    assert broker_of(account, CLOSES[2]).open_orders() == []


def test_an_entry_is_cut_to_the_cash_and_says_so(account: PaperAccount) -> None:
    store_bars(AAPL=flat(900, 1050))
    entry = submit(account, "a", CLOSES[0], 10, stop=0.1)
    match_until(account, CLOSES[1])
    entry.refresh_from_db()
    assert (entry.status, entry.filled_quantity, entry.open_quantity) == ("filled", 9, 9)
    assert entry.reason == "Reduced to the quantity that the cash can pay for."
    assert PaperOrder.objects.get(closes="a").quantity == 9
    assert ledger_balances(account)


def test_an_entry_without_enough_cash_is_cancelled_with_the_reason(account: PaperAccount) -> None:
    store_bars(AAPL=flat(10_001, 10_001))
    entry = submit(account, "a", CLOSES[0], 1, stop=0.1)
    match_until(account, CLOSES[1])
    entry.refresh_from_db()
    assert (entry.status, entry.filled_quantity, entry.open_quantity) == ("cancelled", 0, 0)
    assert entry.reason == "The cash of $10,000.00 is not enough for one share at $10,001.00."
    assert (fills_of(account), PaperOrder.objects.count()) == ([], 1)


def test_a_sale_closes_its_lot_and_cancels_its_protective_exits(account: PaperAccount) -> None:
    store_bars(AAPL=flat(10, 10, 12))
    submit(account, "a", CLOSES[0], stop=0.1, target=0.5)
    submit(account, "b", CLOSES[0], 5, stop=0.1)
    match_until(account, CLOSES[1])
    submit(account, "out", CLOSES[1], closes="a")
    match_until(account, CLOSES[2])
    statuses = dict(PaperOrder.objects.exclude(kind="market").values_list("client_order_id", "status"))
    assert statuses == {"a-stop": "cancelled", "a-target": "cancelled", "b-stop": "working"}
    assert PaperOrder.objects.get(client_order_id="a-stop").reason == "The lot was closed."
    lots = PaperOrder.objects.filter(side="buy").order_by("client_order_id")
    assert [lot.open_quantity for lot in lots] == [0, 5]
    assert ledger_balances(account)
    # 10,000 - 100 - 50 + 120
    assert account.cash == 9_970


def test_a_filled_target_cancels_the_stop_of_the_lot(account: PaperAccount) -> None:
    store_bars(AAPL=traded((10, 10, 10, 10), (10, 10, 10, 10), (10, 16, 10, 15)))
    submit(account, "a", CLOSES[0], stop=0.1, target=0.5)
    match_until(account, CLOSES[2])
    assert fills_of(account) == [("a", 1, 10, 10), ("a-target", 2, 10, 15)]
    stop = PaperOrder.objects.get(client_order_id="a-stop")
    assert (stop.status, stop.reason) == ("cancelled", "The lot was closed.")


def test_after_a_partial_sale_the_stop_protects_the_remaining_shares(account: PaperAccount) -> None:
    store_bars(AAPL=flat(10, 10, 11, 8))
    submit(account, "a", CLOSES[0], stop=0.1)
    match_until(account, CLOSES[1])
    submit(account, "out", CLOSES[1], 4, closes="a")
    match_until(account, CLOSES[2])
    assert PaperOrder.objects.get(client_order_id="a").open_quantity == 6
    assert PaperOrder.objects.get(client_order_id="a-stop").status == "working"
    match_until(account, CLOSES[3])
    # The open is below the stop of 9: filled at the open.
    assert fills_of(account) == [("a", 1, 10, 10), ("out", 2, 4, 11), ("a-stop", 3, 6, 8)]
    stop = PaperOrder.objects.get(client_order_id="a-stop")
    assert (stop.status, stop.filled_quantity) == ("filled", 6)
    assert ledger_balances(account)


def test_a_sale_of_a_lot_that_the_stop_has_sold_is_cancelled(account: PaperAccount) -> None:
    store_bars(AAPL=flat(10, 10, 8, 8))
    submit(account, "a", CLOSES[0], stop=0.1)
    match_until(account, CLOSES[2])
    out = submit(account, "out", CLOSES[2], closes="a")
    match_until(account, CLOSES[3])
    out.refresh_from_db()
    assert (out.status, out.reason, out.filled_quantity) == ("cancelled", "The lot was already closed.", 0)
    assert ledger_balances(account)
    assert account.cash == 9_980


def test_a_second_sale_of_a_lot_is_cancelled_on_its_bar(account: PaperAccount) -> None:
    store_bars(AAPL=flat(10, 10, 12, 12))
    submit(account, "a", CLOSES[0])
    match_until(account, CLOSES[1])
    submit(account, "out", CLOSES[1], closes="a")
    second = submit(account, "again", OPENS[2] + TICK, closes="a")
    match_until(account, CLOSES[2])
    second.refresh_from_db()
    assert (second.status, second.reason) == ("working", "")
    match_until(account, CLOSES[3])
    second.refresh_from_db()
    assert (second.status, second.reason) == ("cancelled", "The lot was already closed.")
    assert fills_of(account) == [("a", 1, 10, 10), ("out", 2, 10, 12)]
