"""Bars that closed without a check, and symbols whose bars arrive late."""

from datetime import timedelta
from decimal import Decimal

import pytest

from livetrading.models import LiveStrategy, PaperTrade, SignalHistory
from livetrading.models.decision_code import DecisionCode as Code
from livetrading.pipeline.execute import execute_order
from livetrading.services.control import control
from tests.livetrading.made_bars import CLOSES, OPENS, TIMES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, check, open_account, step
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy, reason_of, signals_of
from tradedesk.accounts.models import User
from tradedesk.notifications.events import Event
from tradedesk.notifications.models import Notification


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    open_account(alice, 100_000.0)
    return make_two_bar_strategy(alice, "AAPL")


def test_the_first_check_evaluates_the_last_bar_only(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12, 12))
    assert check(live, CLOSES[3]) == []
    assert signals_of(live) == []


def test_a_late_buy_is_refused(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 10, 12, 12))
    check(live, CLOSES[2])
    assert check(live, CLOSES[4]) == []
    signal = SignalHistory.objects.get()
    assert (signal.bar_time, signal.price) == (TIMES[3], Decimal(12))
    assert reason_of(live, "AAPL")


def test_a_late_sell_still_closes_the_lot(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12, 12, 11.5, 11.5))
    for now in CLOSES[2:4]:
        step(live, now)
    (order_id,) = check(live, CLOSES[5])
    assert SignalHistory.objects.get(side="sell").bar_time == TIMES[4]
    execute_order(order_id, CLOSES[5], WALL)
    store_bars(AAPL=flat(10, 10, 12, 12, 11.5, 11.5, 11))
    check(live, CLOSES[6])
    lot = PaperTrade.objects.get()
    assert (lot.exit_time, lot.exit_price, lot.exit_reason) == (TIMES[6], Decimal(11), "signal")


def test_only_the_newest_of_several_late_signals_counts(live: LiveStrategy) -> None:
    """A BUY on bar 3 and a SELL on bar 4: a check at bar 5 must not buy."""
    store_bars(AAPL=flat(10, 10, 10, 12, 9, 10))
    check(live, CLOSES[2])
    assert check(live, CLOSES[5]) == []
    assert [(symbol, side) for symbol, side, _ in signals_of(live)] == [("AAPL", "sell")]
    assert reason_of(live, "AAPL", "sell")


def test_a_lot_is_not_sold_by_a_signal_before_its_entry(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12, 9.9, 10.1, 10.1))
    (order_id,) = check(live, CLOSES[2])
    # The order is sent two sessions late: bought on bar 5, with a SELL on bar 3.
    execute_order(order_id, CLOSES[4], WALL)
    assert check(live, CLOSES[5]) == []
    assert signals_of(live)[-1][:2] == ("AAPL", "sell")
    assert reason_of(live, "AAPL", "sell")


def test_bars_that_closed_while_it_was_stopped_are_evaluated_after_it(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12, 12, 11.5, 11.5))
    for now in CLOSES[2:4]:
        step(live, now)
    control(live, "stop", CLOSES[3], CLOSES[3])
    assert check(live, CLOSES[4]) == []
    control(live, "start", CLOSES[5], CLOSES[5])
    assert len(check(live, CLOSES[5])) == 1


# --- Symbols without bars --------------------------------------------------------------------------------------


def test_a_symbol_without_bars_is_reported_and_the_others_trade(alice: User) -> None:
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "ZZZ", "AAPL", "YYY")
    store_bars(AAPL=flat(10, 10, 12), YYY=flat(20, first=4))
    assert len(check(live, CLOSES[2])) == 1
    live.refresh_from_db()
    assert "ZZZ, YYY" in live.last_error
    store_bars(ZZZ=flat(30, first=3), AAPL=flat(10, 10, 12, 12, 12))
    check(live, CLOSES[4])
    live.refresh_from_db()
    assert live.last_error == ""


def test_without_bars_the_next_check_is_after_the_interval(live: LiveStrategy) -> None:
    assert check(live, CLOSES[2]) == []
    live.refresh_from_db()
    assert live.last_bar_time is None
    assert live.next_check_at == CLOSES[2] + timedelta(seconds=300)


def test_a_bar_that_arrives_after_another_symbols_bar_is_evaluated(alice: User) -> None:
    """On a real market the bars of different symbols arrive one after the other, with checks in between."""
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL", "IBM")
    store_bars(AAPL=flat(10, 10, 10), IBM=flat(50, 50, 50))
    check(live, CLOSES[2])
    store_bars(AAPL=flat(10, 10, 10, 10))
    check(live, CLOSES[3])
    store_bars(IBM=flat(50, 50, 50, 60))
    check(live, CLOSES[3] + timedelta(minutes=5))
    assert signals_of(live) == [("IBM", "buy", "")]


def test_while_a_symbol_lags_behind_the_next_check_is_after_the_interval(alice: User) -> None:
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL", "IBM")
    store_bars(AAPL=flat(10, 10, 10, 10), IBM=flat(50, 50, 50))
    check(live, CLOSES[3])
    live.refresh_from_db()
    assert live.next_check_at == CLOSES[3] + timedelta(minutes=5)
    store_bars(IBM=flat(50, 50, 50, 50))
    check(live, CLOSES[3] + timedelta(minutes=5))
    live.refresh_from_db()
    assert (live.next_check_at, live.last_bar_time) == (CLOSES[4], TIMES[3])


def test_the_first_evaluation_of_a_late_symbol_uses_its_last_bar_only(alice: User) -> None:
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL", "IBM")
    store_bars(AAPL=flat(10, 10, 10))
    check(live, CLOSES[2])
    store_bars(AAPL=flat(10, 10, 10, 10), IBM=flat(50, 50, 60, 60))
    check(live, CLOSES[3])
    assert signals_of(live) == []


# --- The alarm -------------------------------------------------------------------------------------------------


def test_buys_that_came_too_late_are_one_alarm_of_a_check(alice: User) -> None:
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL", "IBM", name="Turtle", deployed_at=CLOSES[2])
    store_bars(AAPL=flat(10, 10, 10, 12, 12), IBM=flat(50, 50, 50, 60, 60))
    for now in (CLOSES[2], CLOSES[4], CLOSES[4]):
        check(live, now)
    alarm = Notification.objects.get()
    assert (alarm.user, alarm.event, alarm.url) == (alice, Event.MISSED_CHECKS, "/signals?code=late")
    assert all(name in alarm.text for name in ("2 buy signals", "AAPL", "IBM", "Turtle"))


def test_a_buy_from_before_the_deployment_is_no_alarm(alice: User) -> None:
    """A strategy that is deployed during a session sees the signal of the day before: nobody has missed it."""
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL", deployed_at=CLOSES[2])
    store_bars(AAPL=flat(10, 10, 12))
    assert check(live, OPENS[3] + timedelta(hours=2)) == []
    assert SignalHistory.objects.get().code == Code.LATE
    assert not Notification.objects.exists()
