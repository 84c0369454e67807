"""Refusals: every signal without an order has a reason. The position size is 2% of $100,000: $2,000.

The text of the refusals is tested in test_the_messages_of_refusals.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from livetrading.models import LiveStrategy, Order, PaperPosition, PaperTrade, SignalHistory
from livetrading.pipeline.book import StrategyBook
from livetrading.pipeline.decide import EquityState, decide
from livetrading.pipeline.evaluate import SignalEvent
from livetrading.pipeline.gate import OPEN
from tests.livetrading.made_bars import CLOSES, TIMES, flat, store_bars
from tests.livetrading.pipeline.desk import check, open_account, step
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy, reason_of, signals_of
from tradedesk.accounts.models import User
from tradedesk.core.risk import EntryState, Refusal
from tradedesk.core.rules import RiskRules
from tradedesk.core.signals import Side


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    open_account(alice, 100_000.0)
    return make_two_bar_strategy(alice, "AAPL")


def test_without_automatic_execution_signals_are_only_recorded(live: LiveStrategy) -> None:
    LiveStrategy.objects.update(auto_execute=False)
    store_bars(AAPL=flat(10, 10, 12))
    assert check(live, CLOSES[2]) == []
    signal = SignalHistory.objects.get()
    assert signal.outcome == "recorded"
    assert signal.reason
    assert Order.objects.count() == 0


@pytest.mark.parametrize(
    ("threshold", "reason"),
    [
        (
            0.69,
            Refusal.WEAK_SIGNAL.message(
                state=EntryState(0.68, 0, 0, 0, 0), rules=RiskRules(signal_threshold=0.69)
            ),
        ),
        (0.68, ""),
    ],
)
def test_a_weak_signal_is_refused(alice: User, threshold: float, reason: str) -> None:
    """After 40 gains of a dollar and a loss of 1.50 Wilder's averages over two bars are 0.5 and 0.75, so the RSI
    is 100 x 0.5 / 1.25 = 40: a fifth of the way from 50 to 0, strength 0.6 + 0.4 / 5."""
    open_account(alice, 100_000.0)
    parameters = {"period": 2, "oversold": 50.0, "overbought": 90.0}
    live = make_two_bar_strategy(
        alice, "AAPL", kind="rsi_mean_reversion", parameters=parameters, signal_threshold=threshold
    )
    store_bars(AAPL=flat(*range(100, 141), 138.5))
    check(live, CLOSES[41])
    assert signals_of(live) == [("AAPL", "buy", reason)]


def test_the_limit_of_positions_refuses_the_later_symbol(alice: User) -> None:
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "IBM", "AAPL", max_positions=1)
    store_bars(AAPL=flat(10, 10, 12), IBM=flat(50, 50, 60))
    assert len(check(live, CLOSES[2])) == 1
    assert signals_of(live)[0] == ("AAPL", "buy", "")
    assert reason_of(live, "IBM") == Refusal.MAX_POSITIONS.message(rules=RiskRules(max_positions=1))


def test_an_entry_is_refused_when_one_share_costs_more_than_the_position_size(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(4000, 4000, 5000))
    check(live, CLOSES[2])
    assert reason_of(live, "AAPL") == Refusal.NO_SIZE.message(budget=2_000.0, price=5_000.0)


def test_the_max_position_size_reduces_the_order(live: LiveStrategy) -> None:
    LiveStrategy.objects.update(max_position_size=Decimal(600))
    store_bars(AAPL=flat(10, 10, 12))
    check(live, CLOSES[2])
    assert Order.objects.get(purpose="entry").quantity == 50


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        # 50,000 / 12 = 4,166 shares, bought at 12 and marked at 11.
        (
            {"daily_loss_limit": 4_166},
            Refusal.DAILY_LOSS.message(
                state=EntryState(0, 0, 4_166.0, 0, 0), rules=RiskRules(daily_loss_limit=4_166.0)
            ),
        ),
        ({"daily_loss_limit": 4_167}, ""),
        (
            {"max_drawdown_pct": 0.041},
            Refusal.DRAWDOWN.message(
                state=EntryState(0, 0, 0, 95_834.0, 100_000.0), rules=RiskRules(max_drawdown_pct=0.041)
            ),
        ),
        ({"max_drawdown_pct": 0.042}, ""),
    ],
)
def test_a_loss_limit_refuses_entries_and_no_exits(alice: User, limits: dict[str, Any], reason: str) -> None:
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL", "IBM", position_size_pct=0.5, stop_loss_pct=0.5, **limits)
    store_bars(AAPL=flat(10, 10, 12, 12, 11), IBM=flat(50, 50, 50, 50, 60))
    for now in CLOSES[2:5]:
        step(live, now)
    assert signals_of(live) == [("AAPL", "buy", ""), ("AAPL", "sell", ""), ("IBM", "buy", reason)]


def test_the_daily_loss_starts_again_with_each_session(alice: User) -> None:
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(
        alice, "AAPL", "IBM", position_size_pct=0.5, stop_loss_pct=0.5, daily_loss_limit=4_000
    )
    store_bars(AAPL=flat(10, 10, 12, 12, 11, 11), IBM=flat(50, 50, 50, 50, 50, 60))
    for now in CLOSES[2:6]:
        step(live, now)
    assert signals_of(live)[-1] == ("IBM", "buy", "")


def test_a_sell_without_a_lot_is_refused(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(12, 12, 10))
    assert check(live, CLOSES[2]) == []
    assert reason_of(live, "AAPL", "sell")


def test_a_lot_is_not_sold_twice(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12, 12, 11.5, 11.4))
    for now in CLOSES[2:4]:
        step(live, now)
    assert len(check(live, CLOSES[4])) == 1
    # The order is still pending when the next bar signals SELL again.
    assert check(live, CLOSES[5]) == []
    assert signals_of(live)[-1][:2] == ("AAPL", "sell")
    assert signals_of(live)[-1][2]
    assert Order.objects.filter(purpose="exit").count() == 1


def test_two_strategies_sell_only_their_own_shares(live: LiveStrategy) -> None:
    patient = make_two_bar_strategy(live.user, "AAPL", parameters={"entry": 3, "exit": 3})
    store_bars(AAPL=flat(10, 10, 10, 12, 13, 12.5, 12.2, 12.1))
    for now in CLOSES[3:7]:
        for each in (live, patient):
            step(each, now)
    # 12.2 is below the lows of the previous two and three bars (12.5): both sell, but one sale is blocked.
    Order.objects.filter(live_strategy=patient, purpose="exit").update(state="blocked")
    step(live, CLOSES[7])
    mine, other = (PaperTrade.objects.get(live_strategy=each) for each in (live, patient))
    assert (mine.is_open, other.is_open) == (False, True)
    assert PaperPosition.objects.get().quantity == other.quantity == 166


def test_a_refused_entry_has_no_protective_exits(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(4000, 4000, 5000))
    assert check(live, CLOSES[2]) == []
    assert Order.objects.count() == 0


def test_the_messages_of_refusals(alice: User) -> None:
    """The text of all refusals that the pipeline stores with a signal; those of the rules are in core.risk."""
    lot = PaperTrade(symbol="AAPL", quantity=Decimal(10), entry_time=TIMES[3], entry_price=Decimal(10))
    buy = SignalEvent("AAPL", Side.BUY, 1.0, TIMES[2], 10.0, "Explanation", late=True, closed_at=CLOSES[2])
    sell = replace(buy, side=Side.SELL)
    empty = StrategyBook()
    equity_state = EquityState(equity=100_000.0, own_equity=100_000.0, own_peak=100_000.0, day_loss=0.0)
    cases = [
        (buy, empty, "The open that this entry was meant for is past; it is too late to enter."),
        (sell, empty, "This strategy holds no AAPL shares to sell."),
        (sell, replace(empty, lots={"AAPL": lot}), "The open lot of AAPL was bought after this signal."),
        (
            sell,
            replace(empty, lots={"AAPL": lot}, exiting={"AAPL"}),
            "A sell order for AAPL is already working.",
        ),
    ]
    for event, book, message in cases:
        (decision,) = decide([event], book, RiskRules(), equity_state, OPEN)
        assert (decision.quantity, decision.reason) == (0, message)
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL", auto_execute=False)
    store_bars(AAPL=flat(10, 10, 12))
    check(live, CLOSES[2])
    assert SignalHistory.objects.get().reason == (
        "It waits for your approval: automatic execution is off for this strategy."
    )
