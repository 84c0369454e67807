"""Parity: the live pipeline makes exactly the trades of a backtest over the same bars.

Check, execute, simulated broker and reconcile run bar by bar on the last `memory()` closed bars only; the backtest
runs once over the whole history. Trades, prices, quantities, exit reasons and cash must be equal.
"""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from backtests.engine.simulation import simulate
from livetrading.models import LiveStrategy, Order, PaperAccount, PaperTrade, SignalHistory
from strategies.kinds import kinds, make_kind
from tests.livetrading.pipeline.desk import WALL, closes, deployed, open_account, put_bars, replay
from tradedesk.accounts.models import User
from tradedesk.core.bars import Bars, Times, to_datetime, to_datetime64
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.marketdata.library import load_many
from tradedesk.marketdata.services import load_samples
from tradedesk.marketdata.sessions import (
    bar_close,
    bar_dates,
    daily_time,
    daily_times,
    next_bar_close,
    session_open,
    sessions_between,
)

CAPITAL = 50_000.0
FIRST = date(2011, 3, 1)
COSTS = Costs(commission_per_order=1.0, commission_per_share=0.005, commission_bps=2.0, slippage_bps=5.0)
# Fast parameters, so that each kind makes many trades in a few months.
PARAMETERS: dict[str, dict[str, Any]] = {
    "sma_crossover": {"fast": 3, "slow": 8},
    "rsi_mean_reversion": {"period": 5, "oversold": 35, "overbought": 60},
    "donchian_breakout": {"entry": 8, "exit": 4},
    "macd": {"fast": 4, "slow": 9, "signal": 3},
    "buy_and_hold": {},
    "ema_crossover": {"fast": 3, "slow": 8},
    "bollinger_reversion": {"period": 10, "deviations": 1.0},
    "supertrend": {"period": 5, "multiplier": 1.0},
    "adx_trend": {"period": 5, "threshold": 15.0},
    "stochastic_rsi": {},
    "cci": {"period": 8},
    "parabolic_sar": {"acceleration": 0.05, "maximum": 0.2},
    "momentum_rotation": {"lookback": 20, "top": 2},
}
TIGHT = RiskRules(
    position_size_pct=0.3, max_positions=2, stop_loss_pct=0.03, take_profit_pct=0.06, max_position_size=12_000.0
)
WIDE = RiskRules(position_size_pct=0.5, max_positions=20, stop_loss_pct=0.5, fractional=True)


def test_every_kind_is_tested_in_this_file() -> None:
    assert set(PARAMETERS) == set(kinds())


@pytest.mark.parametrize(
    ("key", "rules", "last"),
    [
        *((key, TIGHT, date(2011, 4, 20)) for key in sorted(PARAMETERS)),
        # Fractional shares until the cash runs out: with one symbol's signals, with strengths, and across symbols.
        *((key, WIDE, date(2011, 4, 7)) for key in ("buy_and_hold", "adx_trend", "momentum_rotation")),
    ],
)
def test_the_live_pipeline_makes_the_trades_of_the_backtest(
    alice: User, key: str, rules: RiskRules, last: date
) -> None:
    load_samples(WALL)
    symbols = ["AAPL", "GOOG", "IBM", "MSFT"]
    run_both(alice, key, PARAMETERS[key], load_many(None, symbols, "1Day"), rules, FIRST, last)


def test_parity_with_gaps_over_stops_and_with_every_limit(alice: User) -> None:
    """Volatile generated bars, one symbol listed late and one with missing bars, with all limits on."""
    first, last = date(2012, 1, 3), date(2012, 4, 20)
    bars = {f"W{n}": volatile_bars(n, first, last) for n in range(4)}
    bars["W2"] = bars["W2"][40:]
    bars["W3"] = without_rows(bars["W3"], 0)
    rules = RiskRules(
        position_size_pct=0.4,
        max_positions=3,
        stop_loss_pct=0.05,
        take_profit_pct=0.08,
        daily_loss_limit=900.0,
        max_drawdown_pct=0.35,
    )
    put_bars(bars)
    backtest = run_both(alice, "sma_crossover", {"fast": 2, "slow": 4}, bars, rules, date(2012, 1, 17), last)
    reasons = {trade.exit_reason for trade in backtest.result.trades}
    assert reasons >= {"stop_loss", "take_profit", "signal"}


def test_parity_on_a_history_that_is_shorter_than_the_memory_of_the_kind(alice: User) -> None:
    """From its warm-up on, 32 bars, both decide on all bars there are; 80 would be enough to forget older ones."""
    first, last = date(2012, 1, 3), date(2012, 4, 20)
    bars = {"W0": volatile_bars(4, first, last)}
    kind = make_kind("ema_crossover", {"fast": 3, "slow": 8})
    assert kind.warmup() < len(bars["W0"]) < kind.memory()
    put_bars(bars)
    backtest = run_both(alice, "ema_crossover", kind.parameters, bars, WIDE, date(2012, 2, 6), last)
    assert len(backtest.result.trades) > 2


@pytest.mark.parametrize(
    "stops",
    [
        pytest.param({"stop_loss_pct": None, "trailing_stop_pct": 0.05}, id="percent"),
        pytest.param({"stop_loss_pct": None, "trailing_stop_atr": 0.8}, id="by ATR"),
        pytest.param({"stop_loss_pct": 0.03, "trailing_stop_pct": 0.05}, id="percent, and a fixed stop"),
        pytest.param({"stop_loss_pct": None}, id="no stop"),
    ],
)
def test_parity_of_trailing_stops_and_without_a_stop(alice: User, stops: dict[str, Any]) -> None:
    """Volatile bars, one symbol with missing ones. The first entries by ATR have too few bars and are refused."""
    first, last = date(2012, 1, 3), date(2012, 2, 17)
    bars = {f"W{n}": volatile_bars(40 + n, first, last) for n in range(2)}
    bars["W1"] = without_rows(bars["W1"], 1)
    put_bars(bars)
    rules = RiskRules(position_size_pct=0.4, max_positions=3, take_profit_pct=0.2, **stops)
    backtest = run_both(alice, "sma_crossover", {"fast": 2, "slow": 4}, bars, rules, date(2012, 1, 17), last)
    made = {trade.exit_reason for trade in backtest.result.trades} & {"stop_loss", "trailing_stop"}
    trails = rules.trailing_stop_pct or rules.trailing_stop_atr
    working = Order.objects.filter(purpose="trailing_stop", state="accepted")
    assert [order.stop_price for order in working] == [
        PaperTrade.objects.get(opening_order=order.opening_order).stop_price for order in working
    ]
    assert made == ({"stop_loss"} if rules.stop_loss_pct else set()) | ({"trailing_stop"} if trails else set())


@pytest.mark.parametrize(("timeframe", "seed"), [("1Day", 51), ("1Hour", 0)])
def test_parity_of_the_cooldown_and_of_a_daily_loss_limit_that_trips(
    alice: User, timeframe: str, seed: int
) -> None:
    """Volatile bars, one symbol with missing ones. Of hours, a loss that was won back refuses entries as well."""
    first, last = date(2012, 1, 3), date(2012, 4, 5) if timeframe == "1Day" else date(2012, 1, 20)
    time = daily_times(sessions_between(first, last)) if timeframe == "1Day" else hours(first, last)
    bars = {f"W{n}": volatile(seed + n, time) for n in range(3)}
    bars["W2"] = without_rows(bars["W2"], 2)
    put_bars(bars, timeframe)
    rules = RiskRules(
        position_size_pct=0.4, max_positions=3, stop_loss_pct=0.06, daily_loss_limit=600.0, cooldown_bars=3
    )
    start = date(2012, 1, 17) if timeframe == "1Day" else date(2012, 1, 5)
    backtest = run_both(alice, "sma_crossover", {"fast": 2, "slow": 4}, bars, rules, start, last, timeframe)
    counts = backtest.result.buy_signals
    assert counts["cooldown"] > 0
    assert counts["daily_loss"] > 0
    codes = Counter(SignalHistory.objects.values_list("code", flat=True))
    assert codes["cooldown"] == counts["cooldown"]
    assert codes["daily_loss"] == counts["daily_loss"]
    tripped = alice.notifications.filter(text__contains="No entries until the next session.").count()
    assert 0 < tripped <= len(sessions_between(start, last))


@pytest.mark.parametrize(("timeframe", "last"), [("1Week", date(2011, 7, 29)), ("1Month", date(2012, 2, 29))])
def test_parity_on_weeks_and_months_made_from_days(alice: User, timeframe: str, last: date) -> None:
    load_samples(WALL)
    symbols = ["GOOG", "IBM"]
    bars = load_many(None, symbols, timeframe)
    first = date(2011, 3, 4) if timeframe == "1Week" else date(2011, 3, 31)
    run_both(alice, "sma_crossover", {"fast": 2, "slow": 3}, bars, TIGHT, first, last, timeframe)


def run_both(
    user: User,
    key: str,
    parameters: dict[str, Any],
    bars: dict[str, Bars],
    rules: RiskRules,
    first: date,
    last: date,
    timeframe: str = "1Day",
) -> Any:
    """first, last: the first and the last day with a decision."""
    moments = closes(first, last)
    if timeframe == "1Hour":
        moments = [to_datetime(close) for close in bar_close(hours(first, last), timeframe)]
    elif timeframe != "1Day":  # at the close of each bar, and of the session after it
        ends = {next_bar_close(moment - timedelta(seconds=1), timeframe) for moment in moments}
        moments = [
            one for before, one in zip([moments[0], *moments], moments, strict=False) if {before, one} & ends
        ]
    end = daily_time(last) if timeframe != "1Hour" else moments[-1]
    backtest = simulate(
        make_kind(key, parameters),
        bars,
        capital=CAPITAL,
        rules=rules,
        costs=COSTS,
        start=to_datetime(daily_times(bar_dates(daily_times(np.array([first], "M8[D]")), timeframe)[0])[0]),
        end=end,
    )
    open_account(user, CAPITAL, COSTS)
    live = deploy_with(user, key, parameters, sorted(bars), rules, timeframe)
    replay(live, moments)
    assert len(backtest.result.trades) + len(backtest.result.open_positions) > 0
    assert closed_trades(live) == [expected(trade._asdict()) for trade in in_order(backtest.result.trades)]
    assert open_trades(live) == [
        (p.symbol, to_decimal(p.quantity), p.entry_time, to_decimal(p.entry_price), price(p.stop_price))
        for p in sorted(backtest.result.open_positions, key=lambda p: p.symbol)
    ]
    assert float(PaperAccount.objects.get(broker_account__user=user).cash) == pytest.approx(
        backtest.result.cash, abs=0.0001
    )
    return backtest


def deploy_with(
    user: User, key: str, parameters: dict[str, Any], symbols: list[str], rules: RiskRules, timeframe: str = "1Day"
) -> LiveStrategy:
    return deployed(
        user, key, symbols, equity=CAPITAL, parameters=parameters, timeframe=timeframe, **rules.as_dict()
    )


def in_order(trades: list[Any]) -> list[Any]:
    return sorted(trades, key=lambda trade: (trade.entry_time, trade.symbol))


def price(dollars: float | None) -> Decimal | None:
    return None if dollars is None else to_decimal(dollars)


def expected(trade: dict[str, Any]) -> tuple[Any, ...]:
    return (
        trade["symbol"],
        to_decimal(trade["quantity"]),
        trade["entry_time"],
        to_decimal(trade["entry_price"]),
        trade["exit_time"],
        to_decimal(trade["exit_price"]),
        trade["exit_reason"],
        price(trade["stop_price"]),
        price(trade["initial_stop"]),
        pytest.approx(trade["pnl"], abs=0.0001),
        pytest.approx(trade["commission"], abs=0.0001),
    )


def closed_trades(live: LiveStrategy) -> list[tuple[Any, ...]]:
    trades = PaperTrade.objects.filter(live_strategy=live).exclude(exit_time=None).order_by("entry_time", "symbol")
    return [
        (
            trade.symbol,
            trade.quantity,
            trade.entry_time,
            trade.entry_price,
            trade.exit_time,
            trade.exit_price,
            trade.exit_reason,
            trade.stop_price,
            trade.initial_stop_price,
            float(trade.pnl),
            float(trade.commission),
        )
        for trade in trades
    ]


def open_trades(live: LiveStrategy) -> list[tuple[Any, ...]]:
    trades = PaperTrade.objects.filter(live_strategy=live, exit_time=None).order_by("symbol")
    return [(t.symbol, t.quantity, t.entry_time, t.entry_price, t.stop_price) for t in trades]


def hours(first: date, last: date) -> Times:
    """The times of the six full hours of each session."""
    opens = [to_datetime64(session_open(day)) for day in sessions_between(first, last).tolist()]
    return np.array([open_ + np.timedelta64(60 * n, "m") for open_ in opens for n in range(6)], "M8[us]")


def volatile_bars(seed: int, first: date, last: date) -> Bars:
    return volatile(seed, daily_times(sessions_between(first, last)))


def volatile(seed: int, time: Times) -> Bars:
    """A volatile random walk with gaps of several percent, so that bars often open beyond stops and targets."""
    random = np.random.default_rng(seed)
    n = len(time)
    close = 40.0 * np.exp(np.cumsum(random.normal(0, 0.035, n)))
    open_ = np.concatenate(([40.0], close[:-1])) * np.exp(random.normal(0, 0.02, n))
    high = np.maximum(open_, close) * (1 + np.abs(random.normal(0, 0.012, n)))
    low = np.minimum(open_, close) * (1 - np.abs(random.normal(0, 0.012, n)))
    prices = [np.round(column, 4) for column in (open_, high, low, close)]
    return Bars(*[time, *prices, np.full(n, 1e6)])


def without_rows(bars: Bars, seed: int) -> Bars:
    keep = np.random.default_rng(seed).random(len(bars)) > 0.15
    return Bars(*(getattr(bars, name)[keep] for name in ("time", "open", "high", "low", "close", "volume")))
