"""A damaged or missing bar file of one symbol, or a symbol without a closed bar, affects that symbol only."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from livetrading.models import BrokerAccount, LiveStrategy, Order, PaperTrade
from livetrading.pipeline.tick import tick
from tests.livetrading.made_bars import (
    CLOSES,
    damage_bars,
    flat,
    remove_bar_file,
    replace_by_later_bars,
    store_bars,
)
from tests.livetrading.pipeline.desk import WALL, open_account, replay
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy, signals_of
from tradedesk.accounts.models import User

Lose = Callable[[str], None]
losing = pytest.mark.parametrize("lose", [damage_bars, remove_bar_file, replace_by_later_bars])

AAPL = flat(10, 10, 12, 13, 14, 14, 15)
IBM = flat(50, 50, 60, 60, 62, 55, 54)


@pytest.fixture
def strategies(alice: User) -> list[LiveStrategy]:
    """Of AAPL, of IBM, and of both. Each has bought what it trades: at 13 and at 60, for $2,000."""
    open_account(alice, 100_000.0)
    store_bars(AAPL=AAPL, IBM=IBM)
    members = [make_two_bar_strategy(alice, *symbols) for symbols in (["AAPL"], ["IBM"], ["AAPL", "IBM"])]
    for live in members:
        replay(live, CLOSES[2:5])
    assert PaperTrade.objects.filter(exit_time=None).count() == 4
    return members


@losing
def test_exits_of_other_symbols_go_out_and_are_filled(strategies: list[LiveStrategy], lose: Lose) -> None:
    only_aapl, only_ibm, both = strategies
    lose("AAPL")
    for live in strategies:
        replay(live, CLOSES[5:7])
    assert [trade.symbol for trade in PaperTrade.objects.exclude(exit_time=None)] == ["IBM", "IBM"]
    assert {trade.exit_price for trade in PaperTrade.objects.exclude(exit_time=None)} == {Decimal(54)}
    for live in strategies:
        live.refresh_from_db()
    assert "AAPL" in only_aapl.last_error
    assert "AAPL" in both.last_error
    assert (only_ibm.last_error, only_ibm.failures) == ("", 0)
    assert [signal[:2] for signal in signals_of(both)] == [
        ("AAPL", "buy"),
        ("IBM", "buy"),
        ("IBM", "sell"),
        ("IBM", "sell"),
    ]
    account = BrokerAccount.objects.get()
    assert (account.state, account.failures) == ("connected", 0)


@losing
def test_lots_without_readable_bars_are_valued_at_what_was_paid(
    strategies: list[LiveStrategy], lose: Lose
) -> None:
    only_aapl, _, both = strategies
    # 166 AAPL at 13 twice, and 33 IBM at 60 twice; IBM closed at 62.
    tick(only_aapl.account_id, CLOSES[4], WALL)
    assert BrokerAccount.objects.get().equity == 100_000 + 2 * 166 * 1 + 2 * 33 * 2
    lose("AAPL")
    tick(only_aapl.account_id, CLOSES[4], WALL)
    account = BrokerAccount.objects.get()
    assert (account.equity, account.state) == (100_000 + 2 * 33 * 2, "connected")
    tick(both.account_id, CLOSES[5], WALL, only=(both.pk,))
    both.refresh_from_db()
    # IBM closed at 55; AAPL counts at 13.
    assert both.last_pnl == 33 * -5


@losing
def test_the_symbol_trades_again_when_its_bars_are_readable(strategies: list[LiveStrategy], lose: Lose) -> None:
    only_aapl = strategies[0]
    lose("AAPL")
    replay(only_aapl, CLOSES[5:6])
    assert PaperTrade.objects.get(live_strategy=only_aapl).is_open
    store_bars(AAPL=flat(10, 10, 12, 13, 14, 14, 10, 10))
    replay(only_aapl, CLOSES[6:8])
    only_aapl.refresh_from_db()
    assert only_aapl.last_error == ""
    # The open of 10 is below the stop of 11.70: the stop sold at the open, before the signal.
    trade = PaperTrade.objects.get(live_strategy=only_aapl)
    assert (trade.exit_price, trade.exit_reason) == (10, "stop_loss")


@losing
def test_an_entry_of_an_unreadable_symbol_waits_at_the_broker(alice: User, lose: Lose) -> None:
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL", "IBM")
    store_bars(AAPL=AAPL, IBM=IBM)
    replay(live, CLOSES[2:3])
    lose("AAPL")
    replay(live, CLOSES[3:4])
    states = dict(Order.objects.filter(purpose="entry").values_list("symbol", "state"))
    assert states == {"AAPL": "accepted", "IBM": "filled"}
