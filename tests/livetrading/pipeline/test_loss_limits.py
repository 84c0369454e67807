"""The loss limits of a live strategy: open losses count, each trip is reported once, and entries wait.

The strategy holds 4,166 AAPL, bought at 12 with half of $100,000; a dollar less is a loss of $4,166.
"""

from typing import Any

import pytest

from livetrading.models import LiveStrategy, OrderState, SignalHistory
from livetrading.pipeline.checks import CheckContext, draft_set
from livetrading.pipeline.evaluate import evaluate
from livetrading.pipeline.execute import execute_order, gate_before_sending
from livetrading.pipeline.gate import Held
from livetrading.services.accounts import broker_for
from tests.livetrading.made_bars import CLOSES, DAYS, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, check, deployed, open_account, replay
from tests.livetrading.pipeline.scripted_broker import entry_of, fresh
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy, signals_of
from tradedesk.accounts.models import User

DAILY, DRAWDOWN = "has reached the daily limit", "The drawdown of"


def holding_aapl(user: User, *closes: float, **limits: Any) -> LiveStrategy:
    """A strategy that buys AAPL at 12 in session 1 and keeps it; the sessions from 2 on close at `closes`."""
    open_account(user, 100_000.0)
    store_bars(AAPL=flat(12, 12, *closes))
    return deployed(user, "buy_and_hold", ["AAPL"], position_size_pct=0.5, stop_loss_pct=None, **limits)


def reported(user: User, words: str) -> list[str]:
    texts = user.notifications.filter(text__contains=words).order_by("pk").values_list("text", flat=True)
    return list(texts)


def test_an_open_loss_trips_the_daily_limit_without_any_signal(alice: User) -> None:
    live = holding_aapl(alice, 12, 11.99, daily_loss_limit=41)
    replay(live, CLOSES[:3])
    live.refresh_from_db()
    assert (live.tripped_session, live.has_tripped, reported(alice, DAILY)) == (None, False, [])
    check(live, CLOSES[3])
    live.refresh_from_db()
    assert (live.tripped_session, live.has_tripped) == (DAYS[3], True)
    assert live.tripped_reason == "Today's loss of $41.66 has reached the daily limit of $41.00."
    text = f"“{live.name}”: {live.tripped_reason} No entries until the next session."
    assert reported(alice, DAILY) == [text]


def test_a_repeated_check_reports_nothing_again(alice: User) -> None:
    live = holding_aapl(alice, 11, daily_loss_limit=41)
    replay(live, CLOSES[:3])
    check(live, CLOSES[2])
    LiveStrategy.objects.update(last_bar_time=None, evaluated_bars={})  # the same bars are evaluated again
    check(live, CLOSES[2])
    assert len(reported(alice, DAILY)) == 1


def test_a_signal_that_is_executed_by_hand_reports_no_trip(alice: User) -> None:
    """It decides as a check does, and stores no progress: the next check trips the limit, and says so."""
    live = holding_aapl(alice, 11, daily_loss_limit=41)
    replay(live, CLOSES[:2])
    evaluations, _ = evaluate([live], CLOSES[2])
    broker = broker_for(live.account, CLOSES[2])
    drafts = draft_set(live.account, [live], evaluations, CheckContext(1e5, broker.capabilities, CLOSES[2], WALL))
    assert (len(drafts.tripped), reported(alice, DAILY)) == (1, [])
    check(live, CLOSES[2])
    assert len(reported(alice, DAILY)) == 1


def test_it_trips_again_in_another_session_that_loses(alice: User) -> None:
    live = holding_aapl(alice, 11, 11, 10, daily_loss_limit=41)
    replay(live, CLOSES[:4])
    live.refresh_from_db()
    assert (live.tripped_session, live.has_tripped) == (DAYS[2], False), "the next session begins without a loss"
    replay(live, CLOSES[4:5])
    live.refresh_from_db()
    assert (live.tripped_session, len(reported(alice, DAILY))) == (DAYS[4], 2)


def test_raising_the_limit_lets_no_entry_pass_in_the_session(alice: User) -> None:
    live = holding_aapl(alice, 11, 11, daily_loss_limit=41)
    replay(live, CLOSES[:3])
    LiveStrategy.objects.update(daily_loss_limit=50_000)
    entry = entry_of(live, state=OrderState.PENDING, symbol="IBM", created_at=CLOSES[2])
    execute_order(entry.pk, CLOSES[2], WALL)
    reason = "Today's loss of $4,166.00 has reached the daily limit of $41.00."
    assert (fresh(entry).state, entry.reason) == (OrderState.BLOCKED, reason)
    assert gate_before_sending(fresh(entry), CLOSES[2]).held == Held.DAILY_LOSS
    check(live, CLOSES[3])
    assert gate_before_sending(fresh(entry), CLOSES[2]).open


def test_a_drawdown_is_reported_once_for_each_peak(alice: User) -> None:
    """It falls by 8.3%, recovers in part and in full, makes a new peak, and falls again."""
    live = holding_aapl(alice, 10, 11.8, 10, 12, 13, 11, max_drawdown_pct=0.04)
    replay(live, CLOSES[:7])
    assert reported(alice, DRAWDOWN) == [
        f"“{live.name}”: The drawdown of 8.3% has reached the limit of 4.0%. No entries while it lasts."
    ]
    replay(live, CLOSES[7:8])
    assert len(reported(alice, DRAWDOWN)) == 2


@pytest.mark.parametrize(("cooldown", "bought"), [(None, 7), (1, 7), (2, 8), (3, 9)])
def test_after_a_losing_exit_the_symbol_waits(alice: User, cooldown: int | None, bought: int) -> None:
    """AAPL is bought at 12 and sold at 9 in session 5; each close from session 6 on is a new high."""
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL", stop_loss_pct=0.9, cooldown_bars=cooldown)
    store_bars(AAPL=flat(10, 10, 12, 12, 9, 9, 13, 14, 15, 16, 17))
    replay(live, CLOSES[2:11])
    lots = live.papertrades.order_by("pk")
    assert [DAYS.index(lot.entry_time.date()) for lot in lots] == [3, bought]
    refused = SignalHistory.objects.filter(code="cooldown").order_by("pk")
    assert [signal.bar_time.date() for signal in refused] == DAYS[6 : bought - 1]


def test_a_gain_and_another_strategy_begin_no_cooldown(alice: User) -> None:
    open_account(alice, 100_000.0)
    one, other = (make_two_bar_strategy(alice, "AAPL", stop_loss_pct=0.9, cooldown_bars=50) for _ in range(2))
    store_bars(AAPL=flat(10, 10, 12, 12, 9, 9, 13, 14))
    replay(one, CLOSES[2:6])
    for live in (one, other):
        check(live, CLOSES[6])
    assert [signals_of(live)[-1][2] != "" for live in (one, other)] == [True, False]
    one.papertrades.update(pnl=1)
    check(one, CLOSES[7])
    assert signals_of(one)[-1] == ("AAPL", "buy", "")
