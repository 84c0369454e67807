"""Rows of live trading for tests, on the sample market of early 2010."""

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from backtests.models import Backtest
from livetrading.models import Fill, LiveStrategy, LiveTrade, Order, PaperTrade, SignalHistory
from strategies.models import Strategy
from tradedesk.accounts.models import Mode, User
from tradedesk.core.rules import RiskRules
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.sessions import daily_time, session_close

TODAY = date(2010, 3, 8)
NOW = session_close(TODAY)
WALL = datetime(2026, 1, 5, 12, tzinfo=UTC)


def at_day(day: date) -> None:
    """Let the replay market stand at the close of that session."""
    ReplayMarket.objects.update_or_create(pk=1, defaults={"session": day, "advanced_at": timezone.now()})


class StrategyFactory(DjangoModelFactory[Strategy]):
    class Meta:
        model = Strategy

    name = factory.Sequence(lambda n: f"Strategy {n}")
    kind = "sma_crossover"
    parameters = factory.LazyFunction(lambda: {"fast": 10, "slow": 30})
    symbols = factory.LazyFunction(lambda: ["AAPL", "MSFT"])


class BacktestFactory(DjangoModelFactory[Backtest]):
    class Meta:
        model = Backtest

    strategy = factory.SubFactory(StrategyFactory, user=factory.SelfAttribute("..user"))
    strategy_name = factory.SelfAttribute("strategy.name")
    kind = factory.SelfAttribute("strategy.kind")
    parameters = factory.SelfAttribute("strategy.parameters")
    symbols = factory.SelfAttribute("strategy.symbols")
    start_date = date(2008, 1, 2)
    end_date = date(2009, 12, 31)
    initial_capital = Decimal(100_000)
    rules = factory.LazyFunction(lambda: RiskRules(position_size_pct=0.475, max_positions=2).as_dict())
    status = Backtest.Status.COMPLETED
    created_at = WALL
    heartbeat_at = WALL
    metrics = factory.LazyFunction(lambda: {"total_return_pct": 12.5, "sharpe_ratio": 0.8, "max_drawdown_pct": 9.1})


class LiveStrategyFactory(DjangoModelFactory[LiveStrategy]):
    class Meta:
        model = LiveStrategy

    name = factory.Sequence(lambda n: f"Live - Strategy {n}")
    deploy_key = factory.LazyFunction(lambda: uuid.uuid4().hex)
    kind = "sma_crossover"
    parameters = factory.LazyFunction(lambda: {"fast": 10, "slow": 30})
    symbols = factory.LazyFunction(lambda: ["AAPL", "MSFT"])
    fingerprint = factory.LazyFunction(lambda: uuid.uuid4().hex)
    deployed_at = NOW
    next_check_at = NOW
    starting_equity = Decimal(100_000)


class SignalFactory(DjangoModelFactory[SignalHistory]):
    class Meta:
        model = SignalHistory

    user = factory.SelfAttribute("live_strategy.user")
    symbol = "AAPL"
    # Of one strategy each on a bar of its own, as the table demands.
    bar_time = factory.Sequence(lambda n: daily_time(TODAY) - timedelta(minutes=n))
    side = "buy"
    strength = 0.75
    price = Decimal("31.25")
    explanation = "SMA 10 crossed above SMA 30"
    outcome = SignalHistory.Outcome.REFUSED
    reason = "The limit of 5 open positions is reached."
    created_at = NOW


class OrderFactory(DjangoModelFactory[Order]):
    class Meta:
        model = Order

    id = factory.LazyFunction(uuid.uuid4)
    client_order_id = factory.LazyAttribute(lambda order: Order.client_id_of(order.id))
    mode = Mode.PAPER
    symbol = "AAPL"
    side = "buy"
    purpose = Order.Purpose.ENTRY
    quantity = Decimal(10)
    created_at = NOW
    state_changed_at = WALL


class FillFactory(DjangoModelFactory[Fill]):
    class Meta:
        model = Fill

    user = factory.SelfAttribute("order.user")
    mode = factory.SelfAttribute("order.mode")
    activity_id = factory.Sequence(str)
    time = daily_time(TODAY)
    quantity = factory.SelfAttribute("order.quantity")
    price = Decimal(30)


class PaperTradeFactory(DjangoModelFactory[PaperTrade]):
    class Meta:
        model = PaperTrade

    opening_order = factory.SubFactory(
        OrderFactory,
        user=factory.SelfAttribute("..user"),
        live_strategy=factory.SelfAttribute("..live_strategy"),
        symbol=factory.SelfAttribute("..symbol"),
        quantity=factory.SelfAttribute("..quantity"),
        state="filled",
    )
    live_strategy = None
    symbol = "AAPL"
    quantity = Decimal(10)
    entry_time = daily_time(date(2010, 3, 1))
    entry_price = Decimal(30)
    stop_price = Decimal(27)


class LiveTradeFactory(PaperTradeFactory):
    class Meta:
        model = LiveTrade


def closed(exit_time: datetime, exit_price: float = 33, **fields: Any) -> dict[str, Any]:
    """The fields of a trade that was closed then; its profit is of 10 shares bought at 30 without commission."""
    price = Decimal(str(exit_price))
    quantity = Decimal(fields.get("quantity", 10))
    return {
        "exit_time": exit_time,
        "exit_price": price,
        "exit_quantity": quantity,
        "exit_reason": "signal",
        "pnl": quantity * (price - 30),
        **fields,
    }


def watched_desk(user: User, rows: int) -> None:
    """As many of everything: strategies with a signal, an order on its way, an open lot and a closed trade."""
    for number in range(rows):
        strategy = StrategyFactory(user=user)
        live = LiveStrategyFactory(user=user, strategy=strategy)
        signal = SignalFactory(live_strategy=live, outcome=SignalHistory.Outcome.ORDERED, reason="")
        order = OrderFactory(user=user, live_strategy=live, signal=signal)
        FillFactory(order=order)
        symbol = ["AAPL", "GOOG", "IBM", "MSFT"][number % 4]
        PaperTradeFactory(user=user, live_strategy=live, symbol=symbol)
        exit_time = daily_time(TODAY - timedelta(days=number))
        PaperTradeFactory(user=user, live_strategy=live, symbol=symbol, **closed(exit_time))
        BacktestFactory(user=user, strategy=strategy)
