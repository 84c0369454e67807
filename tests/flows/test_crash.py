"""The crash test: a worker is killed with SIGKILL again and again while strategies trade; no order may be lost,
sent twice or filled twice, and the books must add up."""

import os
import random
import signal
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
    Fill,
    Order,
    OrderState,
    PaperAccount,
    PaperFill,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    SignalHistory,
)
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.reconcile import reconcile
from livetrading.pipeline.requeue import accounts_at_work, lost_orders
from livetrading.services.deploy import Limits, deploy
from livetrading.tasks import dispatch_due_checks, sweep
from strategies.services import save_strategy
from tests.flows.nursery import Nursery
from tradedesk.accounts.models import User
from tradedesk.core.money import CENT
from tradedesk.marketdata import replay
from tradedesk.marketdata.clock import market_clock
from tradedesk.marketdata.services import load_samples

KILLS = 55
SYMBOLS = ["AAPL", "GOOG", "IBM", "MSFT"]
STRATEGIES: list[tuple[str, dict[str, Any]]] = [
    ("sma_crossover", {"fast": 2, "slow": 4}),
    ("donchian_breakout", {"entry": 4, "exit": 2}),
    ("rsi_mean_reversion", {"period": 2, "oversold": 40, "overbought": 60}),
    ("macd", {"fast": 2, "slow": 5, "signal": 2}),
]
IN_FLIGHT = (OrderState.PENDING, OrderState.SUBMITTING, OrderState.UNKNOWN)

pytestmark = [pytest.mark.crash, pytest.mark.django_db(transaction=True)]


def test_fifty_five_kills_lose_no_order_and_double_none(nursery: Nursery, settings: Any) -> None:
    settings.REPLAY_SECONDS_PER_BAR = 0.15
    users = [trader(n) for n in range(2)]
    chance = random.Random(20120305)
    cut_off: Counter[str] = Counter()
    for _ in range(KILLS):
        worker = nursery.worker()
        beat_until_the_books_move(chance.randint(1, 20))
        time.sleep(chance.uniform(0, 0.1))
        os.kill(worker, signal.SIGKILL)
        cut_off.update(Order.objects.filter(state__in=IN_FLIGHT).values_list("state", flat=True))
    sweep_until_settled()

    print(f"{KILLS} kills, {Order.objects.count()} orders, {Fill.objects.count()} fills; cut off: {dict(cut_off)}")
    assert cut_off, "no kill ever hit an order in flight: the test has checked nothing"
    assert PaperTrade.objects.exclude(exit_time=None).count() > 20
    every_executable_signal_has_exactly_one_order()
    every_order_has_at_most_one_fill_a_bar()
    the_desk_and_the_broker_agree()
    for user in users:
        cash_and_positions_add_up(user)


def trader(number: int) -> User:
    load_samples(timezone.now())
    replay.ensure_started(timezone.now())
    user = User.objects.create_user(f"trader{number}@example.com", "a password of no interest")
    for kind, parameters in STRATEGIES:
        strategy = save_strategy(
            user, name=kind, kind=kind, parameters=parameters, symbols=SYMBOLS, timeframe="1Day"
        )
        deploy(user, strategy, now=market_clock().now(), limits=Limits(max_positions=4, position_size_pct=0.1))
    return user


def beat_until_the_books_move(rows: int) -> None:
    """What beat does, faster: the market goes on, checks are handed out, what was lost is picked up. Measured in
    work and not in seconds, so that a busy machine is killed at the same points as an idle one."""
    target, patience = rows_in_the_books() + rows, time.monotonic() + 20
    while rows_in_the_books() < target and time.monotonic() < patience:
        replay.advance(timezone.now())
        dispatch_due_checks.apply_async(expires=1)
        sweep.apply_async(expires=1)
        time.sleep(0.05)


def rows_in_the_books() -> int:
    return SignalHistory.objects.count() + Order.objects.count() + PaperFill.objects.count() + Fill.objects.count()


def sweep_until_settled() -> None:
    """What the next worker's sweeps would do, in this process: no worker is alive to be cut off half-way."""
    now, later = market_clock().now(), timezone.now() + timedelta(minutes=1)  # by then all that is silent is lost
    for _ in range(4):  # found lost, asked after, sent again, taken over
        for order_id in lost_orders(later):
            execute_order(order_id, now, later)
        for user_id, mode in accounts_at_work():
            reconcile(user_id, mode, now, later)
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


def the_desk_and_the_broker_agree() -> None:
    ours = Fill.objects.values_list("order__client_order_id", "time", "quantity", "price", "commission")
    theirs = PaperFill.objects.values_list("order__client_order_id", "bar_time", "quantity", "price", "commission")
    assert Counter(theirs) - Counter(ours) == Counter(), "lost"
    assert Counter(ours) - Counter(theirs) == Counter(), "made up, or taken twice"
    sent = Order.objects.exclude(state=OrderState.BLOCKED).values_list("client_order_id", flat=True)
    known = PaperOrder.objects.filter(client_order_id__in=list(sent)).values_list("client_order_id", flat=True)
    assert sorted(sent) == sorted(known)


def cash_and_positions_add_up(user: User) -> None:
    account = PaperAccount.objects.get(user=user)
    trades = list(PaperTrade.objects.filter(user=user))
    bought = sum((t.quantity * t.entry_price for t in trades), Decimal(0))
    sold = sum((t.exit_quantity * (t.exit_price or 0) for t in trades), Decimal(0))
    fees = sum((t.commission for t in trades), Decimal(0))
    assert (account.starting_cash - bought + sold - fees).quantize(CENT) == account.cash.quantize(CENT)
    ledger = sum((fill.cash_change for fill in account.fills.all()), account.starting_cash)
    assert ledger == account.cash
    held: dict[str, Decimal] = {}
    for trade in trades:
        if trade.is_open:
            held[trade.symbol] = held.get(trade.symbol, Decimal(0)) + trade.open_quantity
    positions = PaperPosition.objects.filter(user=user)
    assert {p.symbol: p.quantity for p in positions} == held
    at_broker: list[BrokerPosition] = SimulatedBroker(account, market_clock().now()).positions()
    assert {p.symbol: p.quantity for p in at_broker} == held
