"""A check: what one look at the closed bars writes, once. Size is 2% of 100,000: 2,000 dollars."""

from datetime import datetime, timedelta
from decimal import Decimal
from threading import Event
from typing import Any

import pytest

from livetrading.brokers.protocol import OutcomeUnknown
from livetrading.models import LiveStrategy, Order, PaperTrade, Reconciliation, SignalHistory
from livetrading.pipeline.check import _order, check
from livetrading.services.control import control
from tests.livetrading.at_once import at_once
from tests.livetrading.made_bars import CLOSES, TIMES, bring, flat
from tests.livetrading.pipeline.desk import WALL, open_account, step
from tests.livetrading.pipeline.watching import said, watching
from tradedesk.accounts.models import User, UserVersion


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    open_account(alice, 100_000.0)
    return watching(alice, "AAPL")


# --- What is written -------------------------------------------------------------------------------------------


def test_a_buy_is_written_down_with_its_order(live: LiveStrategy) -> None:
    bring(AAPL=flat(10, 10, 12))
    (order_id,) = check(live.pk, CLOSES[2], WALL)
    signal, order = SignalHistory.objects.get(), Order.objects.get()
    assert (signal.user, signal.live_strategy, signal.symbol, signal.side) == (live.user, live, "AAPL", "buy")
    assert (signal.bar_time, signal.created_at) == (TIMES[2], CLOSES[2])
    assert (signal.price, signal.strength) == (Decimal(12), 1.0)
    assert signal.explanation == "Closed above 10.00, the highest high of the 2 bars before"
    assert (signal.outcome, signal.reason) == ("ordered", "")
    assert (order.pk, order.signal, order.client_order_id) == (order_id, signal, f"desk-{order_id.hex}")
    assert (order.user, order.live_strategy, order.mode, order.timeframe) == (live.user, live, "paper", "1Day")
    assert (order.symbol, order.side, order.purpose, order.state) == ("AAPL", "buy", "entry", "pending")
    assert order.quantity == 166  # 2,000 / 12 = 166.67
    assert (order.stop_loss_pct, order.take_profit_pct, order.opening_order) == (0.10, None, None)
    assert (order.created_at, order.state_changed_at) == (CLOSES[2], WALL)


def test_a_sell_closes_the_whole_lot_and_carries_no_stop(live: LiveStrategy) -> None:
    bring(AAPL=flat(10, 10, 12, 13, 12.5, 11.9))
    for now in CLOSES[2:5]:
        step(live, now)
    (order_id,) = check(live.pk, CLOSES[5], WALL)
    lot = PaperTrade.objects.get()
    order = Order.objects.get(pk=order_id)
    assert (order.side, order.purpose, order.quantity) == ("sell", "exit", lot.quantity)
    assert order.opening_order_id == lot.opening_order_id
    assert (order.stop_loss_pct, order.take_profit_pct) == (None, None)


def test_the_check_notes_what_it_has_seen_and_gives_its_claim_back(live: LiveStrategy) -> None:
    LiveStrategy.objects.update(claimed_until=WALL + timedelta(seconds=30), last_error="Something old.")
    bring(AAPL=flat(10, 10, 12))
    check(live.pk, CLOSES[2], WALL)
    live.refresh_from_db()
    assert (live.last_bar_time, live.last_check_at) == (TIMES[2], CLOSES[2])
    assert live.next_check_at == CLOSES[3]
    assert (live.claimed_until, live.last_error) == (None, "")


def test_a_check_wakes_the_pages_of_its_user(live: LiveStrategy, bob: User) -> None:
    bring(AAPL=flat(10, 10, 12))
    check(live.pk, CLOSES[2], WALL)
    assert UserVersion.objects.get(user=live.user).number >= 0
    before = UserVersion.objects.get(user=live.user).number
    check(live.pk, CLOSES[2], WALL)
    assert UserVersion.objects.get(user=live.user).number > before
    assert not UserVersion.objects.filter(user=bob).exists()


def test_a_hold_writes_nothing(live: LiveStrategy) -> None:
    bring(AAPL=flat(10, 10, 10))
    assert check(live.pk, CLOSES[2], WALL) == []
    assert said(live) == []


def test_fewer_bars_than_the_warm_up_decide_nothing(live: LiveStrategy) -> None:
    bring(AAPL=flat(10, 12))
    assert check(live.pk, CLOSES[1], WALL) == []
    assert said(live) == []
    bring(AAPL=flat(10, 12, 14))
    assert len(check(live.pk, CLOSES[2], WALL)) == 1


def test_a_bar_that_has_not_closed_yet_is_not_looked_at(live: LiveStrategy) -> None:
    bring(AAPL=flat(10, 10, 12))
    assert check(live.pk, CLOSES[2] - timedelta(seconds=1), WALL) == []
    assert said(live) == []
    assert len(check(live.pk, CLOSES[2], WALL)) == 1


def test_the_account_is_reconciled_before_the_decision(live: LiveStrategy) -> None:
    """The bar that brings the SELL has also filled the BUY of the bar before: the lot is there to be sold."""
    bring(AAPL=flat(10, 10, 12, 9.9))
    step(live, CLOSES[2])
    # Filled at 9.90; its stop is at 8.91.
    assert len(check(live.pk, CLOSES[3], WALL)) == 1
    assert said(live) == [("AAPL", "buy", ""), ("AAPL", "sell", "")]


# --- Once ------------------------------------------------------------------------------------------------------


def test_a_second_check_of_the_same_bar_writes_nothing_new(live: LiveStrategy) -> None:
    bring(AAPL=flat(10, 10, 12))
    assert len(check(live.pk, CLOSES[2], WALL)) == 1
    assert check(live.pk, CLOSES[2] + timedelta(minutes=5), WALL) == []
    assert (SignalHistory.objects.count(), Order.objects.count()) == (1, 1)


def test_a_bar_seen_before_writes_nothing_even_when_the_mark_was_lost(live: LiveStrategy) -> None:
    """The unique key of a signal holds where last_bar_time does not, as after a restored backup of that row."""
    bring(AAPL=flat(10, 10, 12))
    check(live.pk, CLOSES[2], WALL)
    Order.objects.update(state="rejected")
    LiveStrategy.objects.update(last_bar_time=None, seen_bars={})
    assert check(live.pk, CLOSES[2], WALL) == []
    assert (SignalHistory.objects.count(), Order.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_two_checks_at_once_write_one_order(live: LiveStrategy, attempt: int) -> None:
    bring(AAPL=flat(10, 10, 12), IBM=flat(50, 50, 60))
    LiveStrategy.objects.update(symbols=["AAPL", "IBM"])
    answers = at_once(*[lambda: check(live.pk, CLOSES[2], WALL)] * 2)
    assert sorted(len(orders) for orders in answers) == [0, 2]
    assert sorted(Order.objects.values_list("symbol", flat=True)) == ["AAPL", "IBM"]
    assert SignalHistory.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_checks_at_once_share_the_limit_of_positions(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One writes the order of a bar; the other, at the next bar, counts it before it decides."""
    bring(AAPL=flat(10, 10, 12, 12), IBM=flat(50, 50, 50, 60))
    LiveStrategy.objects.update(symbols=["AAPL", "IBM"], max_positions=1)
    writing, done = Event(), Event()

    def slowly(*arguments: Any) -> Order:
        order = _order(*arguments)
        writing.set()
        done.wait(0.5)  # the other check cannot be done before this one is
        return order

    def one_bar_later() -> list[Any]:
        writing.wait(60)
        orders = check(live.pk, CLOSES[3], WALL)
        done.set()
        return orders

    monkeypatch.setattr("livetrading.pipeline.check._order", slowly)
    first, second = at_once(lambda: check(live.pk, CLOSES[2], WALL), one_bar_later)
    assert (len(first), second) == (1, [])
    assert said(live) == [("AAPL", "buy", ""), ("IBM", "buy", "The limit of 1 open positions is reached.")]


def test_signal_and_order_are_one_transaction(live: LiveStrategy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash between the two leaves neither, so that the next check writes both."""
    bring(AAPL=flat(10, 10, 12))

    def crash(*_: object) -> None:
        assert SignalHistory.objects.count() == 1
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("livetrading.pipeline.check._order", crash)
        with pytest.raises(SystemExit):
            check(live.pk, CLOSES[2], WALL)
    assert (SignalHistory.objects.count(), Order.objects.count()) == (0, 0)
    live.refresh_from_db()
    assert live.last_bar_time is None
    assert len(check(live.pk, CLOSES[2], WALL)) == 1


def test_a_broker_that_does_not_answer_leaves_nothing_written(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(AAPL=flat(10, 10, 12))

    def silence(*_: object) -> None:
        raise OutcomeUnknown("timed out")

    with monkeypatch.context() as patch:
        patch.setattr("livetrading.pipeline.check.broker_for", silence)
        with pytest.raises(OutcomeUnknown):
            check(live.pk, CLOSES[2], WALL)
    assert said(live) == []
    assert len(check(live.pk, CLOSES[2], WALL)) == 1


@pytest.mark.parametrize("status", ["paused", "stopped"])
def test_what_is_not_active_is_not_checked(live: LiveStrategy, status: str) -> None:
    bring(AAPL=flat(10, 10, 12))
    LiveStrategy.objects.update(status=status)
    assert check(live.pk, CLOSES[2], WALL) == []
    live.refresh_from_db()
    assert (said(live), live.last_check_at, live.last_bar_time) == ([], None, None)
    assert not Reconciliation.objects.exists(), "its broker is left alone as well"


def test_a_pause_that_comes_while_the_bars_are_read_holds(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(AAPL=flat(10, 10, 12))

    def pressed_meanwhile(watched: LiveStrategy, now: datetime) -> Any:
        control(live, "pause", now)
        return look(watched, now)

    monkeypatch.setattr("livetrading.pipeline.check.look", pressed_meanwhile)
    assert check(live.pk, CLOSES[2], WALL) == []
    assert said(live) == []


def test_a_deployment_that_is_gone_is_no_error(db: None) -> None:
    assert check(404, CLOSES[2], WALL) == []
