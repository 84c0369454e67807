"""A check: the rows that it writes, once for each bar. The position size is 2% of $100,000: $2,000."""

from datetime import datetime, timedelta
from decimal import Decimal
from threading import Event
from typing import Any

import pytest

from livetrading.brokers.protocol import OutcomeUnknown
from livetrading.models import LiveStrategy, Order, PaperTrade, Reconciliation, SignalHistory
from livetrading.pipeline import check as check_module
from livetrading.pipeline.check import check
from livetrading.pipeline.evaluate import evaluate
from livetrading.services.control import control
from tests.livetrading.at_once import at_once
from tests.livetrading.made_bars import CLOSES, TIMES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, open_account, step
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy, signals_of
from tradedesk.accounts.models import User, UserVersion
from tradedesk.core.risk import Refusal
from tradedesk.core.rules import RiskRules


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    open_account(alice, 100_000.0)
    return make_two_bar_strategy(alice, "AAPL")


# --- What a check writes ---------------------------------------------------------------------------------------


def test_a_buy_is_stored_with_its_order(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12))
    (order_id,) = check(live.pk, CLOSES[2], WALL)
    signal, order = SignalHistory.objects.get(), Order.objects.get()
    assert (signal.user, signal.live_strategy, signal.symbol, signal.side) == (live.user, live, "AAPL", "buy")
    assert (signal.bar_time, signal.created_at) == (TIMES[2], CLOSES[2])
    assert (signal.price, signal.strength) == (Decimal(12), 1.0)
    assert signal.explanation == "Closed above 10.00, the highest high of the previous 2 bars"
    assert (signal.outcome, signal.reason) == ("ordered", "")
    assert (order.pk, order.signal, order.client_order_id) == (order_id, signal, f"desk-{order_id.hex}")
    assert (order.user, order.live_strategy, order.mode, order.timeframe) == (live.user, live, "paper", "1Day")
    assert (order.symbol, order.side, order.purpose, order.state) == ("AAPL", "buy", "entry", "pending")
    assert order.quantity == 166  # 2,000 / 12 = 166.67
    assert (order.stop_loss_pct, order.take_profit_pct, order.opening_order) == (0.10, None, None)
    assert (order.created_at, order.state_changed_at) == (CLOSES[2], WALL)


def test_a_sell_closes_the_whole_lot_and_has_no_stop(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12, 13, 12.5, 11.9))
    for now in CLOSES[2:5]:
        step(live, now)
    (order_id,) = check(live.pk, CLOSES[5], WALL)
    lot = PaperTrade.objects.get()
    order = Order.objects.get(pk=order_id)
    assert (order.side, order.purpose, order.quantity) == ("sell", "exit", lot.quantity)
    assert order.opening_order_id == lot.opening_order_id
    assert (order.stop_loss_pct, order.take_profit_pct) == (None, None)


def test_a_check_stores_its_progress_and_releases_the_claim(live: LiveStrategy) -> None:
    LiveStrategy.objects.update(claimed_until=WALL + timedelta(seconds=30), last_error="An old error.")
    store_bars(AAPL=flat(10, 10, 12))
    check(live.pk, CLOSES[2], WALL)
    live.refresh_from_db()
    assert (live.last_bar_time, live.last_check_at) == (TIMES[2], CLOSES[2])
    assert live.next_check_at == CLOSES[3]
    assert (live.claimed_until, live.last_error) == (None, "")


def test_a_check_notifies_the_pages_of_its_user(live: LiveStrategy, bob: User) -> None:
    store_bars(AAPL=flat(10, 10, 12))
    check(live.pk, CLOSES[2], WALL)
    assert UserVersion.objects.get(user=live.user).number >= 0
    before = UserVersion.objects.get(user=live.user).number
    check(live.pk, CLOSES[2], WALL)
    assert UserVersion.objects.get(user=live.user).number > before
    assert not UserVersion.objects.filter(user=bob).exists()


def test_a_hold_writes_nothing(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 10))
    assert check(live.pk, CLOSES[2], WALL) == []
    assert signals_of(live) == []


def test_fewer_bars_than_the_warm_up_give_no_signal(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 12))
    assert check(live.pk, CLOSES[1], WALL) == []
    assert signals_of(live) == []
    store_bars(AAPL=flat(10, 12, 14))
    assert len(check(live.pk, CLOSES[2], WALL)) == 1


def test_a_bar_that_has_not_closed_is_not_evaluated(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12))
    assert check(live.pk, CLOSES[2] - timedelta(seconds=1), WALL) == []
    assert signals_of(live) == []
    assert len(check(live.pk, CLOSES[2], WALL)) == 1


def test_the_account_is_reconciled_before_the_decision(live: LiveStrategy) -> None:
    """The bar of the SELL has also filled the BUY of the previous bar, so the lot can be sold."""
    store_bars(AAPL=flat(10, 10, 12, 9.9))
    step(live, CLOSES[2])
    # Filled at 9.90, with the stop at 8.91.
    assert len(check(live.pk, CLOSES[3], WALL)) == 1
    assert signals_of(live) == [("AAPL", "buy", ""), ("AAPL", "sell", "")]


# --- Once ------------------------------------------------------------------------------------------------------


def test_a_second_check_of_the_same_bar_writes_nothing(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12))
    assert len(check(live.pk, CLOSES[2], WALL)) == 1
    assert check(live.pk, CLOSES[2] + timedelta(minutes=5), WALL) == []
    assert (SignalHistory.objects.count(), Order.objects.count()) == (1, 1)


def test_a_bar_is_not_stored_twice_even_when_the_progress_was_lost(live: LiveStrategy) -> None:
    """The unique key of the signal prevents it, for example after that row was restored from a backup."""
    store_bars(AAPL=flat(10, 10, 12))
    check(live.pk, CLOSES[2], WALL)
    Order.objects.update(state="rejected")
    LiveStrategy.objects.update(last_bar_time=None, evaluated_bars={})
    assert check(live.pk, CLOSES[2], WALL) == []
    assert (SignalHistory.objects.count(), Order.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_two_concurrent_checks_write_each_order_once(live: LiveStrategy, attempt: int) -> None:
    store_bars(AAPL=flat(10, 10, 12), IBM=flat(50, 50, 60))
    LiveStrategy.objects.update(symbols=["AAPL", "IBM"])
    results = at_once(*[lambda: check(live.pk, CLOSES[2], WALL)] * 2)
    assert sorted(len(orders) for orders in results) == [0, 2]
    assert sorted(Order.objects.values_list("symbol", flat=True)) == ["AAPL", "IBM"]
    assert SignalHistory.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_concurrent_checks_share_the_limit_of_positions(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check of the next bar counts the order that the check of the previous bar is writing."""
    store_bars(AAPL=flat(10, 10, 12, 12), IBM=flat(50, 50, 50, 60))
    LiveStrategy.objects.update(symbols=["AAPL", "IBM"], max_positions=1)
    writing, done = Event(), Event()
    create_order = check_module._create_order

    def slowly(*arguments: Any) -> Order:
        order = create_order(*arguments)
        writing.set()
        done.wait(0.5)  # the other check cannot end before this one
        return order

    def one_bar_later() -> list[Any]:
        writing.wait(60)
        orders = check(live.pk, CLOSES[3], WALL)
        done.set()
        return orders

    monkeypatch.setattr(check_module, "_create_order", slowly)
    first, second = at_once(lambda: check(live.pk, CLOSES[2], WALL), one_bar_later)
    assert (len(first), second) == (1, [])
    refusal = Refusal.MAX_POSITIONS.message(rules=RiskRules(max_positions=1))
    assert signals_of(live) == [("AAPL", "buy", ""), ("IBM", "buy", refusal)]


def test_signal_and_order_are_one_transaction(live: LiveStrategy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash between the two writes nothing, and the next check writes both."""
    store_bars(AAPL=flat(10, 10, 12))

    def crash(*_: object) -> None:
        assert SignalHistory.objects.count() == 1
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(check_module, "_create_order", crash)
        with pytest.raises(SystemExit):
            check(live.pk, CLOSES[2], WALL)
    assert (SignalHistory.objects.count(), Order.objects.count()) == (0, 0)
    live.refresh_from_db()
    assert live.last_bar_time is None
    assert len(check(live.pk, CLOSES[2], WALL)) == 1


def test_a_check_without_a_response_of_the_broker_writes_nothing(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_bars(AAPL=flat(10, 10, 12))

    def no_response(*_: object) -> None:
        raise OutcomeUnknown("timed out")

    with monkeypatch.context() as patch:
        patch.setattr(check_module, "broker_for", no_response)
        with pytest.raises(OutcomeUnknown):
            check(live.pk, CLOSES[2], WALL)
    assert signals_of(live) == []
    assert len(check(live.pk, CLOSES[2], WALL)) == 1


@pytest.mark.parametrize("status", ["paused", "stopped"])
def test_an_inactive_strategy_is_not_checked(live: LiveStrategy, status: str) -> None:
    store_bars(AAPL=flat(10, 10, 12))
    LiveStrategy.objects.update(status=status)
    assert check(live.pk, CLOSES[2], WALL) == []
    live.refresh_from_db()
    assert (signals_of(live), live.last_check_at, live.last_bar_time) == ([], None, None)
    assert not Reconciliation.objects.exists(), "the account is not reconciled either"


def test_a_pause_while_the_bars_are_evaluated_is_respected(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_bars(AAPL=flat(10, 10, 12))

    def pause_and_evaluate(checked: LiveStrategy, now: datetime) -> Any:
        control(live, "pause", now)
        return evaluate(checked, now)

    monkeypatch.setattr(check_module, "evaluate", pause_and_evaluate)
    assert check(live.pk, CLOSES[2], WALL) == []
    assert signals_of(live) == []


def test_a_deleted_deployment_is_skipped(db: None) -> None:
    assert check(404, CLOSES[2], WALL) == []
