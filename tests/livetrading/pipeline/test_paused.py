"""A paused strategy makes no entries; its exits by signals and its stops go on, as those of an active one."""

from collections.abc import Callable
from typing import Any

import pytest

from livetrading.models import LiveStrategy, Order, PaperAccount, PaperTrade, SignalHistory
from livetrading.models.decision_code import DecisionCode
from livetrading.services.control import control
from livetrading.services.replay_hold import unfinished_work
from tests.livetrading.made_bars import CLOSES, TIMES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, check, open_account, replay, step
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy, signals_of
from tradedesk.accounts.models import User
from tradedesk.core.rules import Costs

# Bought on bar 3 at 12; a SELL on bar 5, executed at 11 on bar 6; a BUY on bar 8.
PRICES = (10, 10, 12, 12, 12.5, 11, 11, 11, 13, 13, 9)


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    open_account(alice, 100_000.0, Costs(commission_per_order=1.0, slippage_bps=5.0))
    store_bars(AAPL=flat(*PRICES))
    return make_two_bar_strategy(alice, "AAPL", stop_loss_pct=0.2)


def books(user: User) -> tuple[Any, ...]:
    lots = PaperTrade.objects.filter(user=user).order_by("pk")
    figures = lots.values_list("entry_time", "exit_time", "exit_price", "exit_reason", "pnl")
    return (PaperAccount.objects.get(broker_account__user=user).cash, *figures)


def test_the_exit_of_a_paused_strategy_is_that_of_an_active_one_to_the_cent(live: LiveStrategy, bob: User) -> None:
    open_account(bob, 100_000.0, Costs(commission_per_order=1.0, slippage_bps=5.0))
    active = make_two_bar_strategy(bob, "AAPL", stop_loss_pct=0.2)
    replay(active, CLOSES[2:8])
    replay(live, CLOSES[2:5])
    control(live, "pause", CLOSES[4], WALL)
    replay(live, CLOSES[5:8])
    assert books(live.user) == books(bob)
    assert PaperTrade.objects.get(live_strategy=live).exit_reason == "signal"


def test_a_buy_during_the_pause_is_recorded_as_refused_and_the_next_one_after_it_is_executed(
    live: LiveStrategy,
) -> None:
    control(live, "pause", CLOSES[2], WALL)
    replay(live, CLOSES[2:4])
    refused = SignalHistory.objects.get()
    assert (refused.outcome, refused.code, refused.bar_time) == ("refused", DecisionCode.PAUSED, TIMES[2])
    control(live, "start", CLOSES[7], WALL)
    replay(live, CLOSES[7:10])
    assert [side for _, side, _ in signals_of(live)][-1] == "buy"
    assert PaperTrade.objects.get().entry_time == TIMES[9]


def test_the_stop_of_a_paused_strategy_sells(live: LiveStrategy) -> None:
    replay(live, CLOSES[2:4])
    control(live, "pause", CLOSES[3], WALL)
    store_bars(AAPL=flat(*PRICES[:4], 9))
    step(live, CLOSES[4])
    assert PaperTrade.objects.get().exit_reason == "stop_loss"


def test_an_entry_that_the_broker_has_is_cancelled_by_the_pause_before_it_fills(live: LiveStrategy) -> None:
    step(live, CLOSES[2])
    control(live, "pause", CLOSES[2], WALL)
    assert Order.objects.get(purpose="entry").state == "cancel_pending"
    replay(live, CLOSES[2:4])
    assert set(Order.objects.values_list("state", flat=True)) == {"cancelled"}
    assert not PaperTrade.objects.exists()


def test_bars_are_evaluated_during_the_pause_so_none_is_late_after_it(live: LiveStrategy) -> None:
    control(live, "pause", CLOSES[2], WALL)
    replay(live, CLOSES[2:6])
    live.refresh_from_db()
    assert live.last_evaluated("AAPL") == TIMES[5]
    assert live.next_check_at == CLOSES[6]


@pytest.mark.parametrize(("action", "waits"), [("pause", True), ("stop", False)])
def test_the_replay_waits_for_the_check_of_a_paused_strategy(live: LiveStrategy, action: str, waits: bool) -> None:
    LiveStrategy.objects.update(next_check_at=CLOSES[3])
    control(live, action, CLOSES[2], WALL)
    assert bool(unfinished_work(CLOSES[3])) is waits


def stop(live: LiveStrategy) -> None:
    control(live, "stop", CLOSES[4], WALL)


def fail(live: LiveStrategy) -> None:
    LiveStrategy.objects.filter(pk=live.pk).update(status="error")


@pytest.mark.parametrize("end", [stop, fail])
def test_a_stopped_strategy_and_one_with_an_error_sell_by_no_signal_and_keep_their_stop(
    live: LiveStrategy, end: Callable[[LiveStrategy], None]
) -> None:
    replay(live, CLOSES[2:5])
    end(live)
    replay(live, CLOSES[5:9])
    assert [side for _, side, _ in signals_of(live)] == ["buy"]
    assert PaperTrade.objects.get().is_open
    assert check(live, CLOSES[9]) == []
    step(live, CLOSES[10])
    assert PaperTrade.objects.get().exit_reason == "stop_loss"
