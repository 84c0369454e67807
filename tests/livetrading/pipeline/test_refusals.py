"""Refusals: every signal that leads to no order says why. Size is 2% of 100,000: 2,000 dollars."""

from decimal import Decimal
from typing import Any

import pytest

from livetrading.models import LiveStrategy, Order, PaperPosition, PaperTrade, SignalHistory
from livetrading.pipeline.check import check
from tests.livetrading.made_bars import CLOSES, bring, flat
from tests.livetrading.pipeline.desk import WALL, open_account, step
from tests.livetrading.pipeline.watching import reason_of, said, watching
from tradedesk.accounts.models import User


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    open_account(alice, 100_000.0)
    return watching(alice, "AAPL")


def test_without_automatic_execution_signals_are_only_recorded(live: LiveStrategy) -> None:
    LiveStrategy.objects.update(auto_execute=False)
    bring(AAPL=flat(10, 10, 12))
    assert check(live.pk, CLOSES[2], WALL) == []
    signal = SignalHistory.objects.get()
    assert signal.outcome == "recorded"
    assert signal.reason == "Automatic execution is off for this strategy."
    assert Order.objects.count() == 0


@pytest.mark.parametrize(
    ("threshold", "reason"), [(0.69, "Signal strength 0.68 is below the threshold of 0.69."), (0.68, "")]
)
def test_a_weak_signal_is_refused(alice: User, threshold: float, reason: str) -> None:
    """After 40 gains of a dollar and a loss of 1.50 Wilder's averages over two bars are 0.5 and 0.75, so the RSI
    is 100 x 0.5 / 1.25 = 40: a fifth of the way from 50 to 0, strength 0.6 + 0.4 / 5."""
    open_account(alice, 100_000.0)
    parameters = {"period": 2, "oversold": 50.0, "overbought": 90.0}
    live = watching(alice, "AAPL", kind="rsi_mean_reversion", parameters=parameters, signal_threshold=threshold)
    bring(AAPL=flat(*range(100, 141), 138.5))
    check(live.pk, CLOSES[41], WALL)
    assert said(live) == [("AAPL", "buy", reason)]


def test_the_limit_of_positions_refuses_the_later_name(alice: User) -> None:
    open_account(alice, 100_000.0)
    live = watching(alice, "IBM", "AAPL", max_positions=1)
    bring(AAPL=flat(10, 10, 12), IBM=flat(50, 50, 60))
    assert len(check(live.pk, CLOSES[2], WALL)) == 1
    assert said(live) == [("AAPL", "buy", ""), ("IBM", "buy", "The limit of 1 open positions is reached.")]
    assert reason_of(live, "IBM")


def test_a_share_that_costs_more_than_the_position_is_refused(live: LiveStrategy) -> None:
    bring(AAPL=flat(4000, 4000, 5000))
    check(live.pk, CLOSES[2], WALL)
    assert reason_of(live, "AAPL") == "The position size of $2,000.00 does not buy one share at $5,000.00."


def test_the_largest_position_in_dollars_cuts_the_order(live: LiveStrategy) -> None:
    LiveStrategy.objects.update(max_position_size=Decimal(600))
    bring(AAPL=flat(10, 10, 12))
    check(live.pk, CLOSES[2], WALL)
    assert Order.objects.get().quantity == 50


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        # 50,000 / 12 = 4,166 shares, bought at 12 and marked at 11.
        ({"daily_loss_limit": 4_166}, "Today's loss of $4,166.00 has reached the daily limit of $4,166.00."),
        ({"daily_loss_limit": 4_167}, ""),
        ({"max_drawdown_pct": 0.041}, "The drawdown of 4.2% has reached the limit of 4.1%."),
        ({"max_drawdown_pct": 0.042}, ""),
    ],
)
def test_a_loss_holds_back_entries(alice: User, limits: dict[str, Any], reason: str) -> None:
    open_account(alice, 100_000.0)
    live = watching(alice, "AAPL", "IBM", position_size_pct=0.5, stop_loss_pct=0.5, **limits)
    bring(AAPL=flat(10, 10, 12, 12, 11), IBM=flat(50, 50, 50, 50, 60))
    for now in CLOSES[2:5]:
        step(live, now)
    # The sale of what has lost is never held back.
    assert said(live) == [("AAPL", "buy", ""), ("AAPL", "sell", ""), ("IBM", "buy", reason)]


def test_the_loss_of_yesterday_is_not_the_loss_of_today(alice: User) -> None:
    open_account(alice, 100_000.0)
    live = watching(alice, "AAPL", "IBM", position_size_pct=0.5, stop_loss_pct=0.5, daily_loss_limit=4_000)
    bring(AAPL=flat(10, 10, 12, 12, 11, 11), IBM=flat(50, 50, 50, 50, 50, 60))
    for now in CLOSES[2:6]:
        step(live, now)
    assert said(live)[-1] == ("IBM", "buy", "")


def test_there_must_be_something_to_sell(live: LiveStrategy) -> None:
    bring(AAPL=flat(12, 12, 10))
    assert check(live.pk, CLOSES[2], WALL) == []
    assert reason_of(live, "AAPL", "sell") == "This strategy holds no AAPL to sell."


def test_a_sale_is_not_ordered_twice(live: LiveStrategy) -> None:
    bring(AAPL=flat(10, 10, 12, 12, 11.5, 11.4))
    for now in CLOSES[2:4]:
        step(live, now)
    assert len(check(live.pk, CLOSES[4], WALL)) == 1
    # Its message is still on the way when the next bar says the same.
    assert check(live.pk, CLOSES[5], WALL) == []
    assert said(live)[-1] == ("AAPL", "sell", "A sale of AAPL is already on its way.")


def test_two_strategies_sell_their_own_shares_alone(live: LiveStrategy) -> None:
    patient = watching(live.user, "AAPL", parameters={"entry": 3, "exit": 3})
    bring(AAPL=flat(10, 10, 10, 12, 13, 12.5, 12.2, 12.1))
    for now in CLOSES[3:7]:
        for each in (live, patient):
            step(each, now)
    # 12.2 is below the two bars before (12.5) and the three before (12.5): both sell, but one sale is blocked.
    Order.objects.filter(live_strategy=patient, purpose="exit").update(state="blocked")
    step(live, CLOSES[7])
    mine, other = (PaperTrade.objects.get(live_strategy=each) for each in (live, patient))
    assert (mine.is_open, other.is_open) == (False, True)
    assert PaperPosition.objects.get().quantity == other.quantity == 166
