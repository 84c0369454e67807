"""Workers are killed with SIGKILL again and again while strategies trade: no order may be lost, sent twice or
filled twice, and the records must agree."""

import random
import time
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Count
from django.utils import timezone

from livetrading.brokers.protocol import BrokerPosition
from livetrading.brokers.simulation.broker import SimulatedBroker
from livetrading.models import (
    BrokerAccount,
    Fill,
    Incident,
    Order,
    OrderState,
    PaperAccount,
    PaperFill,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    SignalHistory,
)
from livetrading.models.order import PROTECTIVE, WORKING
from livetrading.pipeline.execute import execute_order, request_cancels
from livetrading.pipeline.protect import protect
from livetrading.pipeline.reconcile import reconcile
from livetrading.pipeline.requeue import lost_orders
from livetrading.services.accounts import broker_for
from livetrading.services.deploy import DeploymentSettings, deploy
from livetrading.tasks import dispatch_due_accounts, requeue_lost_orders
from strategies.services import save_strategy
from tests.flows.worker_forks import WorkerForks
from tradedesk.accounts.models import User
from tradedesk.core.money import CENT
from tradedesk.marketdata import replay
from tradedesk.marketdata.clock import market_clock
from tradedesk.marketdata.services import load_samples

KILLS = 30
SYMBOLS = ["AAPL", "GOOG", "IBM", "MSFT"]
STRATEGIES: list[tuple[str, dict[str, Any]]] = [
    ("sma_crossover", {"fast": 2, "slow": 4}),
    ("donchian_breakout", {"entry": 4, "exit": 2}),
    ("rsi_mean_reversion", {"period": 2, "oversold": 40, "overbought": 60}),
    ("macd", {"fast": 2, "slow": 5, "signal": 2}),
]
IN_FLIGHT = (OrderState.PENDING, OrderState.SUBMITTING, OrderState.UNKNOWN)

pytestmark = [pytest.mark.crash, pytest.mark.django_db(transaction=True)]


def test_thirty_kills_lose_and_duplicate_no_order(worker_forks: WorkerForks, settings: Any) -> None:
    settings.REPLAY_SECONDS_PER_BAR = 0.15
    users = [trader(n) for n in range(2)]
    rng = random.Random(20120305)
    interrupted: Counter[str] = Counter()
    for _ in range(KILLS):
        worker = worker_forks.worker()
        run_beat_until_the_books_change(rng.randint(1, 20))
        time.sleep(rng.uniform(0, 0.1))
        worker_forks.kill(worker)
        interrupted.update(Order.objects.filter(state__in=IN_FLIGHT).values_list("state", flat=True))
    requeue_until_settled()

    print(f"{KILLS} kills, {Order.objects.count()} orders, {Fill.objects.count()} fills, {dict(interrupted)}")
    assert interrupted, "no kill hit an order in flight, so the test has checked nothing"
    every_executable_signal_has_exactly_one_order()
    every_order_has_at_most_one_fill_a_bar()
    desk_and_broker_agree()
    every_open_lot_has_exactly_one_working_stop()
    for user in users:
        cash_and_positions_balance(user)
    assert PaperTrade.objects.exclude(exit_time=None).count() > 10


def trader(number: int) -> User:
    load_samples(timezone.now())
    replay.ensure_started(timezone.now())
    user = User.objects.create_user(f"trader{number}@example.com", "a password of no interest")
    for kind, parameters in STRATEGIES:
        strategy = save_strategy(
            user, name=kind, kind=kind, parameters=parameters, symbols=SYMBOLS, timeframe="1Day"
        )
        deploy(
            user,
            strategy,
            now=market_clock().now(),
            wall_now=timezone.now(),
            settings=DeploymentSettings(rules={"max_positions": 4, "position_size_pct": 0.1}),
        )
    return user


def run_beat_until_the_books_change(rows: int) -> None:
    """The tasks of beat at a higher rate: advance the market, dispatch ticks, requeue lost orders. Counted in
    written rows and not in seconds, so that the kills hit the same points of the work on a slow machine."""
    target, deadline = count_book_rows() + rows, time.monotonic() + 20
    while count_book_rows() < target and time.monotonic() < deadline:
        replay.advance(timezone.now())
        dispatch_due_accounts.apply_async(expires=1)
        requeue_lost_orders.apply_async(expires=1)
        time.sleep(0.05)


def count_book_rows() -> int:
    return SignalHistory.objects.count() + Order.objects.count() + PaperFill.objects.count() + Fill.objects.count()


def requeue_until_settled() -> None:
    """The recovery of the next worker, run in this process because all workers are killed."""
    now = market_clock().now()
    for minutes in range(1, 5):  # mark as lost, query the broker, send again, reconcile
        later = timezone.now() + timedelta(minutes=minutes)  # all heartbeats, leases and messages have expired
        for order_id in lost_orders(later):
            execute_order(order_id, now, later)
        for account in BrokerAccount.objects.select_related("user", "paper_account"):
            broker = broker_for(account, now)
            working = reconcile(account, broker, now, later).working
            for order_id in protect(account, broker.capabilities, working, now, later):
                execute_order(order_id, now, later)
            request_cancels(account, broker)
    assert list(Order.objects.filter(state__in=IN_FLIGHT).values()) == []


def every_executable_signal_has_exactly_one_order() -> None:
    executable = SignalHistory.objects.filter(outcome=SignalHistory.Outcome.ORDERED)
    assert executable.filter(order=None).count() == 0
    assert executable.count() == Order.objects.exclude(signal=None).count()
    twice = (
        SignalHistory.objects.values("live_strategy", "symbol", "bar_time").annotate(n=Count("id")).filter(n__gt=1)
    )
    assert list(twice) == []


def every_order_has_at_most_one_fill_a_bar() -> None:
    for model, time_field in ((Fill, "time"), (PaperFill, "bar_time")):
        twice = model.objects.values("order", time_field).annotate(n=Count("id")).filter(n__gt=1)
        assert list(twice) == []


def desk_and_broker_agree() -> None:
    ours = Fill.objects.values_list("order__client_order_id", "time", "quantity", "price", "commission")
    theirs = PaperFill.objects.values_list("order__client_order_id", "bar_time", "quantity", "price", "commission")
    assert Counter(theirs) - Counter(ours) == Counter(), "fills that the desk lost"
    assert Counter(ours) - Counter(theirs) == Counter(), (
        "fills that the broker does not have, or that the desk booked twice"
    )
    # The protective exits of an entry travel with it, and are orders of the broker once it is filled.
    unfilled = Order.objects.filter(purpose__in=PROTECTIVE, opening_order__filled_quantity=0)
    sent = Order.objects.exclude(state=OrderState.BLOCKED).exclude(pk__in=unfilled)
    known = PaperOrder.objects.values_list("client_order_id", flat=True)
    assert sorted(sent.values_list("client_order_id", flat=True)) == sorted(known)
    assert list(Incident.objects.exclude(reported_at=None).values_list("kind", "text")) == []


def every_open_lot_has_exactly_one_working_stop() -> None:
    for lot in PaperTrade.objects.filter(exit_time=None):
        stops = Order.objects.filter(
            opening_order=lot.opening_order, purpose=Order.Purpose.STOP_LOSS, state__in=WORKING
        )
        assert [(stop.open_quantity, stop.stop_price) for stop in stops] == [(lot.open_quantity, lot.stop_price)]


def cash_and_positions_balance(user: User) -> None:
    account = PaperAccount.objects.get(broker_account__user=user)
    trades = list(PaperTrade.objects.filter(user=user))
    bought = sum((t.quantity * t.entry_price for t in trades), Decimal(0))
    sold = sum((t.exit_quantity * (t.exit_price or 0) for t in trades), Decimal(0))
    fees = sum((t.commission for t in trades), Decimal(0))
    assert (account.starting_cash - bought + sold - fees).quantize(CENT) == account.cash.quantize(CENT)
    ledger = sum((fill.cash_change for fill in account.fills.all()), account.starting_cash)
    assert ledger == account.cash == account.broker_account.booked_cash
    held: dict[str, Decimal] = {}
    for trade in trades:
        if trade.is_open:
            held[trade.symbol] = held.get(trade.symbol, Decimal(0)) + trade.open_quantity
    positions = PaperPosition.objects.filter(account__user=user)
    assert {p.symbol: p.quantity for p in positions} == held
    at_broker: list[BrokerPosition] = SimulatedBroker(account, market_clock().now(), epoch=1).positions()
    assert {p.symbol: p.quantity for p in at_broker} == held
