"""A check: the rows that it writes, once for each bar. The position size is 2% of $100,000: $2,000."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Event
from typing import Any

import pytest
from django.db import connection

from livetrading.models import LiveStrategy, Order, PaperTrade, SignalHistory
from livetrading.pipeline import checks as checks_module
from livetrading.pipeline import tick as tick_module
from livetrading.pipeline.evaluate import evaluate
from tests.livetrading.at_once import at_once
from tests.livetrading.made_bars import CLOSES, TIMES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, check, open_account, step
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy, signals_of
from tradedesk.accounts.models import User, UserVersion
from tradedesk.core.risk import Refusal
from tradedesk.core.rules import RiskRules


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    open_account(alice, 100_000.0)
    return make_two_bar_strategy(alice, "AAPL")


def orders_of(live: LiveStrategy) -> list[Order]:
    """The orders of signals, without protective exits."""
    return list(live.orders.filter(signal__isnull=False).order_by("created_at", "symbol"))


# --- What a check writes ---------------------------------------------------------------------------------------


def test_a_buy_is_stored_with_its_order(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12))
    (order_id,) = check(live, CLOSES[2])
    signal, order = SignalHistory.objects.get(), Order.objects.get(purpose="entry")
    assert (signal.user, signal.live_strategy, signal.symbol, signal.side) == (live.user, live, "AAPL", "buy")
    assert (signal.bar_time, signal.created_at) == (TIMES[2], CLOSES[2])
    assert (signal.price, signal.strength) == (Decimal(12), 1.0)
    assert signal.explanation == "Closed above 10.00, the highest high of the previous 2 bars"
    assert (signal.outcome, signal.reason) == ("ordered", "")
    assert (order.pk, order.signal, order.client_order_id) == (order_id, signal, f"desk-{order_id.hex}")
    assert (order.user, order.live_strategy, order.account) == (live.user, live, live.account)
    assert (order.mode, order.timeframe, order.type, order.time_in_force) == ("paper", "1Day", "market", "day")
    assert (order.symbol, order.side, order.purpose, order.state) == ("AAPL", "buy", "entry", "pending")
    assert order.quantity == 166  # 2,000 / 12 = 166.67
    assert (order.opening_order, order.distance, order.trigger_price) == (None, None, None)
    assert (order.created_at, order.state_changed_at) == (CLOSES[2], WALL)


def test_the_protective_exits_are_stored_with_their_entry_and_wait(live: LiveStrategy) -> None:
    LiveStrategy.objects.update(take_profit_pct=0.3)
    store_bars(AAPL=flat(10, 10, 12))
    (order_id,) = check(live, CLOSES[2])
    stop, target = Order.objects.filter(opening_order=order_id).order_by("purpose")
    for leg, purpose, type_, distance in ((stop, "stop_loss", "stop", 0.1), (target, "take_profit", "limit", 0.3)):
        assert (leg.purpose, leg.type, leg.side, leg.distance) == (purpose, type_, "sell", distance)
        assert (leg.state, leg.holder, leg.trigger_price) == ("waiting", "attached", None)
        assert (leg.quantity, leg.symbol, leg.live_strategy, leg.signal) == (166, "AAPL", live, None)
        assert (leg.account, leg.created_at, leg.state_changed_at) == (live.account, CLOSES[2], WALL)
    suffixes = [leg.client_order_id.rpartition("-")[2] for leg in (stop, target)]
    assert suffixes == ["stop", "target"]


def test_a_sell_closes_the_whole_lot_and_has_no_stop(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12, 13, 12.5, 11.9))
    for now in CLOSES[2:5]:
        step(live, now)
    (order_id,) = check(live, CLOSES[5])
    lot = PaperTrade.objects.get()
    order = Order.objects.get(pk=order_id)
    assert (order.side, order.purpose, order.quantity) == ("sell", "exit", lot.quantity)
    assert order.opening_order_id == lot.opening_order_id
    assert not order.exits.exists()


def test_a_check_stores_its_progress(live: LiveStrategy) -> None:
    LiveStrategy.objects.update(last_error="An old error.", failures=3)
    store_bars(AAPL=flat(10, 10, 12))
    check(live, CLOSES[2])
    live.refresh_from_db()
    assert (live.last_bar_time, live.last_check_at) == (TIMES[2], CLOSES[2])
    assert live.evaluated_bars == {"AAPL": TIMES[2].isoformat()}
    assert live.next_check_at == CLOSES[3]
    assert (live.last_error, live.failures) == ("", 0)


def test_a_check_keeps_what_the_trader_changes_meanwhile(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_bars(AAPL=flat(10, 10, 12))

    def change_and_evaluate(members: Iterable[LiveStrategy], now: datetime) -> Any:
        evaluated = evaluate(members, now)
        LiveStrategy.objects.update(position_size_pct=0.06, check_interval=120)
        return evaluated

    monkeypatch.setattr(tick_module, "evaluate", change_and_evaluate)
    check(live, CLOSES[2])
    live.refresh_from_db()
    assert (live.risk_rules().position_size_pct, live.check_interval) == (0.06, 120)
    assert live.last_check_at == CLOSES[2]
    assert orders_of(live)[0].quantity == 500  # the decision uses them: 6,000 / 12


def test_a_check_notifies_the_pages_of_its_user(live: LiveStrategy, bob: User) -> None:
    store_bars(AAPL=flat(10, 10, 12))
    check(live, CLOSES[2])
    before = UserVersion.objects.get(user=live.user).number
    check(live, CLOSES[2])
    assert UserVersion.objects.get(user=live.user).number > before
    assert not UserVersion.objects.filter(user=bob).exists()


def test_a_hold_writes_nothing(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 10))
    assert check(live, CLOSES[2]) == []
    assert signals_of(live) == []


def test_fewer_bars_than_the_warm_up_give_no_signal(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 12))
    assert check(live, CLOSES[1]) == []
    assert signals_of(live) == []
    store_bars(AAPL=flat(10, 12, 14))
    assert len(check(live, CLOSES[2])) == 1


def test_a_bar_that_has_not_closed_is_not_evaluated(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12))
    assert check(live, CLOSES[2] - timedelta(seconds=1)) == []
    assert signals_of(live) == []
    assert len(check(live, CLOSES[2])) == 1


def test_the_account_is_reconciled_before_the_decision(live: LiveStrategy) -> None:
    """The bar of the SELL has also filled the BUY of the previous bar, so the lot can be sold."""
    store_bars(AAPL=flat(10, 10, 12, 9.9))
    step(live, CLOSES[2])
    # Filled at 9.90, with the stop at 8.91.
    assert len(check(live, CLOSES[3])) == 1
    assert signals_of(live) == [("AAPL", "buy", ""), ("AAPL", "sell", "")]


# --- Once ------------------------------------------------------------------------------------------------------


def test_a_second_check_of_the_same_bar_writes_nothing(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12))
    assert len(check(live, CLOSES[2])) == 1
    assert check(live, CLOSES[2] + timedelta(minutes=5)) == []
    assert (SignalHistory.objects.count(), len(orders_of(live))) == (1, 1)


def test_a_bar_is_not_stored_twice_even_when_the_progress_was_lost(live: LiveStrategy) -> None:
    """For example after that row was restored from a backup. Protective exits are not stored again either."""
    store_bars(AAPL=flat(10, 10, 12))
    check(live, CLOSES[2])
    Order.objects.update(state="rejected")
    LiveStrategy.objects.update(last_bar_time=None, evaluated_bars={})
    assert check(live, CLOSES[2]) == []
    assert (SignalHistory.objects.count(), Order.objects.count()) == (1, 2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_two_concurrent_checks_write_each_order_once(live: LiveStrategy, attempt: int) -> None:
    store_bars(AAPL=flat(10, 10, 12), IBM=flat(50, 50, 60))
    LiveStrategy.objects.update(symbols=["AAPL", "IBM"])
    results = at_once(*[lambda: check(live, CLOSES[2])] * 2)
    assert sorted(len(orders) for orders in results) == [0, 2]
    assert [order.symbol for order in orders_of(live)] == ["AAPL", "IBM"]
    assert SignalHistory.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_concurrent_checks_share_the_limit_of_positions(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check of the next bar counts the order that the check of the previous bar is writing."""
    store_bars(AAPL=flat(10, 10, 12, 12), IBM=flat(50, 50, 50, 60))
    LiveStrategy.objects.update(symbols=["AAPL", "IBM"], max_positions=1)
    writing, done = Event(), Event()
    write = checks_module._write

    def slowly(drafts: Any) -> Any:
        orders = write(drafts)
        writing.set()
        done.wait(0.5)  # the other check cannot end before this one
        return orders

    def one_bar_later() -> list[Any]:
        writing.wait(60)
        # The order of the first check is not sent, so there is nothing to reconcile.
        orders = check(live, CLOSES[3])
        done.set()
        return orders

    monkeypatch.setattr(checks_module, "_write", slowly)
    first, second = at_once(lambda: check(live, CLOSES[2]), one_bar_later)
    assert (len(first), second) == (1, [])
    refusal = Refusal.MAX_POSITIONS.message(rules=RiskRules(max_positions=1))
    assert signals_of(live) == [("AAPL", "buy", ""), ("IBM", "buy", refusal)]


def test_signals_orders_and_progress_are_one_transaction(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash after the rows were written leaves nothing, and the next check writes all of them."""
    store_bars(AAPL=flat(10, 10, 12))

    def crash(*_: object) -> None:
        assert (SignalHistory.objects.count(), Order.objects.count()) == (1, 2)
        assert connection.in_atomic_block
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(checks_module, "_finish", crash)
        with pytest.raises(SystemExit):
            check(live, CLOSES[2])
    assert (SignalHistory.objects.count(), Order.objects.count()) == (0, 0)
    live.refresh_from_db()
    assert live.last_bar_time is None
    assert len(check(live, CLOSES[2])) == 1
