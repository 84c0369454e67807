"""Factories of live trading rows for tests, on the sample market of early 2010."""

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import numpy as np
from django.utils import timezone

from backtests.models import Backtest, Candidate, OptimizerRun
from livetrading.models import (
    BrokerAccount,
    Fill,
    Incident,
    LiveStrategy,
    LiveTrade,
    Order,
    OrderState,
    PaperAccount,
    PaperTrade,
    SignalHistory,
)
from livetrading.models.kept_totals import TOTALS
from livetrading.models.order import OrderType
from livetrading.models.trade import BaseTrade
from livetrading.pipeline.lots import refresh_position
from livetrading.services.accounts import active_account
from livetrading.services.trade_totals import Totals
from livetrading.services.trade_totals import count as count_trade
from strategies.models import Strategy
from tradedesk.accounts.models import Mode, User
from tradedesk.core.bars import Bars
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.sessions import daily_time, daily_times, session_close, sessions_between

TODAY = date(2010, 3, 8)
NOW = session_close(TODAY)
WALL = datetime(2026, 1, 5, 12, tzinfo=UTC)
_numbers = count(1)


def at_day(day: date) -> None:
    """Set the replay market to the close of that session."""
    ReplayMarket.objects.update_or_create(pk=1, defaults={"session": day, "advanced_at": timezone.now()})


def bars_closing_at(*closes: float) -> Bars:
    """Daily bars of the last sessions up to TODAY; each opens and closes at its price."""
    days = sessions_between(TODAY - timedelta(days=10), TODAY)[-len(closes) :]
    prices = np.array(closes, np.float64)
    return Bars(daily_times(days), prices, prices, prices, prices, np.zeros(len(closes)))


def make_strategy(*, user: User, **fields: Any) -> Strategy:
    values: dict[str, Any] = {
        "name": f"Strategy {next(_numbers)}",
        "kind": "sma_crossover",
        "parameters": {"fast": 10, "slow": 30},
        "symbols": ["AAPL", "MSFT"],
    }
    return Strategy.objects.create(user=user, **(values | fields))


def make_backtest(*, user: User, strategy: Strategy | None = None, **fields: Any) -> Backtest:
    """A completed backtest: +12.5% with a position size of 47.5% and 2 positions (fully invested on 2 symbols)."""
    strategy = strategy or make_strategy(user=user)
    values: dict[str, Any] = {
        "strategy_name": strategy.name,
        "kind": strategy.kind,
        "parameters": strategy.parameters,
        "symbols": strategy.symbols,
        "start_date": date(2008, 1, 2),
        "end_date": date(2009, 12, 31),
        "initial_capital": Decimal(100_000),
        "rules": RiskRules(position_size_pct=0.475, max_positions=2).as_dict(),
        "status": Backtest.Status.COMPLETED,
        "created_at": WALL,
        "heartbeat_at": WALL,
        "metrics": {"total_return": 0.125, "sharpe": 0.8, "max_drawdown": 0.091},
    }
    return Backtest.objects.create(user=user, strategy=strategy, **(values | fields))


def make_candidate(
    *, user: User, strategy: Strategy | None = None, run: dict[str, Any] | None = None, **fields: Any
) -> Candidate:
    """A candidate of a completed search: +12.5% on AAPL. run: fields of the search."""
    strategy = strategy or make_strategy(user=user)
    values: dict[str, Any] = {
        "job": OptimizerRun.Job.SEARCH,
        "strategy": strategy,
        "strategy_name": strategy.name,
        "kind": strategy.kind,
        "parameters": strategy.parameters,
        "method": OptimizerRun.Method.GRID,
        "grid": {"fast": [5, 30, 5], "slow": [20, 60, 10]},
        "symbols": ["AAPL", "MSFT"],
        "start_date": date(2008, 1, 2),
        "end_date": date(2009, 12, 31),
        "initial_capital": Decimal(100_000),
        "objective": "sharpe",
        "combinations": 60,
        "done": 60,
        "holdout": 0.3,
        "status": OptimizerRun.Status.COMPLETED,
        "provenance": {"version": "0", "kind_code": "0", "engine_code": "0", "data": {}},
        "created_at": WALL,
        "heartbeat_at": WALL,
    }
    row: dict[str, Any] = {
        "universe": "AAPL",
        "number": 7,
        "strategy": strategy,
        "name": strategy.name,
        "kind": strategy.kind,
        "parameters": {"fast": 10, "slow": 40},
        "eligible": True,
        "score": 0.8,
        "figures": {"total_return": 0.125, "sharpe": 0.8, "max_drawdown": 0.091, "trades": 31},
    }
    made = OptimizerRun.objects.create(user=user, **(values | (run or {})))
    return Candidate.objects.create(run=made, **(row | fields))


def account_of(user: User, mode: str = Mode.PAPER) -> BrokerAccount:
    """The user's active account of this mode, opened without costs and without account rules when it is
    missing."""
    if mode == Mode.PAPER:
        is_open = BrokerAccount.objects.filter(user=user, mode=mode, active=True).exists()
        account = active_account(user.pk, mode)
        if not is_open:
            PaperAccount.objects.filter(broker_account=account).update(**Costs().as_dict())
            account.rules.all().delete()
        return account
    fields = {"broker": "other", "name": "Live account", "equity": Decimal(100_000), "verified_at": WALL}
    return BrokerAccount.objects.get_or_create(user=user, mode=mode, active=True, defaults=fields)[0]


def report_figures(user: User, *, equity: float, cash: float, mode: str = Mode.PAPER) -> BrokerAccount:
    """The user's account after its broker reported these figures at NOW."""
    account = account_of(user, mode)
    account.equity, account.cash, account.snapshot_at = to_decimal(equity), to_decimal(cash), NOW
    account.save()
    return account


def make_incident(*, account: BrokerAccount, **fields: Any) -> Incident:
    """An open and reported difference in the shares of AAPL."""
    values: dict[str, Any] = {
        "kind": Incident.Kind.POSITION,
        "key": str(next(_numbers)),
        "text": "AAPL: the broker holds 8 shares, the desk's records 10.",
        "first_seen_at": NOW,
        "reported_at": NOW,
    }
    return Incident.objects.create(account=account, **(values | fields))


def make_live_strategy(*, user: User, **fields: Any) -> LiveStrategy:
    values: dict[str, Any] = {
        "name": f"Live - Strategy {next(_numbers)}",
        "deploy_key": uuid.uuid4().hex,
        "kind": "sma_crossover",
        "parameters": {"fast": 10, "slow": 30},
        "symbols": ["AAPL", "MSFT"],
        "fingerprint": uuid.uuid4().hex,
        "deployed_at": NOW,
        "next_check_at": NOW,
        "starting_equity": Decimal(100_000),
    }
    account = account_of(user, fields.pop("mode", Mode.PAPER))
    return LiveStrategy.objects.create(user=user, **({"account": account} | values | fields))


def make_signal(*, live_strategy: LiveStrategy, **fields: Any) -> SignalHistory:
    """A refused BUY."""
    values: dict[str, Any] = {
        "user": live_strategy.user,
        "symbol": "AAPL",
        # A different bar for each signal, because the table requires it.
        "bar_time": daily_time(TODAY) - timedelta(minutes=next(_numbers)),
        "side": "buy",
        "strength": 0.75,
        "price": Decimal("31.25"),
        "explanation": "SMA 10 crossed above SMA 30",
        "outcome": SignalHistory.Outcome.REFUSED,
        "reason": "The limit of 5 open positions is reached.",
        "created_at": NOW,
    }
    return SignalHistory.objects.create(live_strategy=live_strategy, **(values | fields))


def make_order(*, user: User, **fields: Any) -> Order:
    """A pending entry of 10 AAPL."""
    order_id = uuid.uuid4()
    values: dict[str, Any] = {
        "account": account_of(user, fields.pop("mode", Mode.PAPER)),
        "client_order_id": Order.client_id_of(order_id),
        "symbol": "AAPL",
        "side": "buy",
        "purpose": Order.Purpose.ENTRY,
        "quantity": Decimal(10),
        "created_at": NOW,
        "state_changed_at": WALL,
    }
    return Order.objects.create(id=order_id, user=user, **(values | fields))


def make_stop(*, trade: BaseTrade, **fields: Any) -> Order:
    """The working stop loss of an open lot, which the broker holds with its entry."""
    values: dict[str, Any] = {
        "account": trade.account,
        "live_strategy": trade.live_strategy,
        "symbol": trade.symbol,
        "side": "sell",
        "purpose": Order.Purpose.STOP_LOSS,
        "type": OrderType.STOP,
        "quantity": trade.open_quantity,
        "stop_price": trade.stop_price,
        "distance": 0.1,
        "holder": Order.Holder.ATTACHED,
        "opening_order": trade.opening_order,
        "state": OrderState.ACCEPTED,
    }
    return make_order(user=trade.user, **(values | fields))


def make_fill(*, order: Order, **fields: Any) -> Fill:
    values: dict[str, Any] = {
        "account": order.account,
        "activity_id": f"made-{next(_numbers)}",  # unlike the numbers that the simulation gives
        "time": daily_time(TODAY),
        "quantity": order.quantity,
        "price": Decimal(30),
    }
    return Fill.objects.create(order=order, **(values | fields))


def make_paper_trade(*, user: User, **fields: Any) -> PaperTrade:
    """An open lot of 10 AAPL, bought at 30 a week before TODAY, with the position that it is part of."""
    trade = PaperTrade.objects.create(**_trade(user, Mode.PAPER, fields))
    _book(trade)
    return trade


def make_live_trade(*, user: User, **fields: Any) -> LiveTrade:
    trade = LiveTrade.objects.create(**_trade(user, Mode.LIVE, fields))
    _book(trade)
    return trade


def _book(trade: PaperTrade | LiveTrade) -> None:
    """Its position, and the totals that the booking of fills keeps."""
    refresh_position(trade.account, trade.symbol, NOW)
    # Fresh, because a test may hold older copies.
    account = BrokerAccount.objects.get(pk=trade.account_id)
    count_trade(account, trade.live_strategy_id, Totals.of(trade))
    account.save(update_fields=TOTALS)


def _trade(user: User, mode: Mode, fields: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "user": user,
        "account": account_of(user, mode),
        "symbol": "AAPL",
        "quantity": Decimal(10),
        "entry_time": daily_time(date(2010, 3, 1)),
        "entry_price": Decimal(30),
        "initial_stop_price": fields.get("stop_price", Decimal(27)),
        "stop_price": Decimal(27),
        **fields,
    }
    order = make_order(
        user=user,
        mode=mode,
        live_strategy=values.get("live_strategy"),
        symbol=values["symbol"],
        quantity=values["quantity"],
        state="filled",
    )
    return {"opening_order": order, **values}


def closed(exit_time: datetime, exit_price: float = 33, **fields: Any) -> dict[str, Any]:
    """The fields of a trade closed at that time; the profit is that of 10 shares bought at 30 without
    commission."""
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


def make_desk_rows(user: User, rows: int) -> None:
    """`rows` live strategies, each with a signal, a working order, an open lot with its stop, a closed trade and a
    backtest; and as many incidents of the account."""
    for number in range(rows):
        strategy = make_strategy(user=user)
        live = make_live_strategy(user=user, strategy=strategy)
        signal = make_signal(live_strategy=live, outcome=SignalHistory.Outcome.ORDERED, reason="")
        order = make_order(user=user, live_strategy=live, signal=signal)
        make_fill(order=order)
        symbol = ["AAPL", "GOOG", "IBM", "MSFT"][number % 4]
        make_stop(trade=make_paper_trade(user=user, live_strategy=live, symbol=symbol))
        make_incident(account=live.account)
        exit_time = daily_time(TODAY - timedelta(days=number))
        make_paper_trade(user=user, live_strategy=live, symbol=symbol, **closed(exit_time))
        make_backtest(user=user, strategy=strategy)
