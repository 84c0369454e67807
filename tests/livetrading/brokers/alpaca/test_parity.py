"""The trades of a backtest, through the real adapter at Alpaca's stand-in.

At the close of each bar the desk decides and sends, and the next price is the open of the next bar. The market
stands still until the desk is through with what happened at a price, so that a lot has its exits before the bar
goes on to its low, its high and its close. docs/design.md says what this leaves out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from backtests.engine.simulation import simulate
from livetrading.brokers.alpaca.budget import RequestBudget
from livetrading.brokers.alpaca.orders import price_as_sent
from livetrading.models import OrderState, PaperTrade
from livetrading.models.order import FINAL, PROTECTIVE
from strategies.kinds import make_kind
from tests.alpaca_server.server import AlpacaServer
from tests.livetrading.brokers.alpaca.desk import AlpacaDesk, alpaca_desk
from tests.livetrading.pipeline.desk import put_bars
from tradedesk.accounts.models import User
from tradedesk.core.bars import Bars, Times, to_datetime, to_datetime64
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.marketdata.sessions import (
    NEW_YORK,
    bar_close,
    bar_open,
    daily_time,
    daily_times,
    session_close,
    session_open,
    sessions_between,
)

CAPITAL = 10_000.0
FIRST = date(2012, 1, 3)
# Whose bars have exits for every reason.
SEED = 21
KIND: dict[str, Any] = {"kind": "sma_crossover", "parameters": {"fast": 2, "slow": 4}}
# Exits in whole cents after a fill at a multiple of 20 cents; the size follows the equity.
EXACT = RiskRules(position_size_pct=0.3, max_positions=3, stop_loss_pct=0.05, take_profit_pct=0.10)
# Exits between two cents; the size does not depend on what the cents add up to.
ROUNDED = RiskRules(
    position_size_pct=0.5, max_positions=3, max_position_size=2_000.0, stop_loss_pct=0.03, take_profit_pct=0.07
)
TRAILING = replace(ROUNDED, stop_loss_pct=None, trailing_stop_pct=0.04)
# Of protective orders that rest at the broker.
AT_REST = (*FINAL, OrderState.ACCEPTED)
ZERO = Decimal(0)
# Rounds of work for what happens at one price, at most.
ROUNDS = 12


@dataclass
class Trading:
    """A desk, and the bars that its market goes through."""

    desk: AlpacaDesk
    bars: Mapping[str, Bars]

    def run(self, timeframe: str) -> None:
        time = next(iter(self.bars.values())).time
        opens, closes = bar_open(time, timeframe), bar_close(time, timeframe)
        for row in range(len(time)):
            for symbol, bars in self.bars.items():
                self.jump(symbol, float(bars.open[row]))
            self.desk.set_time(to_datetime(opens[row]))
            if self.desk.unfinished():
                self._stand_still()
            for name in ("low", "high", "close"):
                for symbol, bars in self.bars.items():
                    self._walk(symbol, float(getattr(bars, name)[row]))
            assert self.desk.now <= to_datetime(closes[row])
            self.desk.set_time(to_datetime(closes[row]))
            for _ in range(3):  # decide, cancel what holds the shares of an exit, send it
                self.desk.tick()
                self.desk.send()
                self.desk.books.answer()
                if not self.desk.account.orders.filter(purpose="exit", state=OrderState.WAITING).exists():
                    break

    def _stand_still(self) -> None:
        """At this price, until nothing is under way and nothing changes any more."""
        before: list[tuple[Any, str, str]] = []
        for _ in range(ROUNDS):
            self.desk.step()
            orders = list(self.desk.account.orders.order_by("pk").values_list("pk", "purpose", "state"))
            at_rest = all(state in (AT_REST if purpose in PROTECTIVE else FINAL) for _, purpose, state in orders)
            if at_rest and orders == before:
                return
            before = orders
        raise AssertionError(self.desk.unfinished())

    def _walk(self, symbol: str, to: float) -> None:
        """To this price, and on the way at the price of each order for long enough."""
        at = self.price(symbol)
        for level in sorted(self.levels(symbol), reverse=to < at):
            if min(at, to) <= level <= max(at, to) and level in self.levels(symbol):
                self.jump(symbol, level)
                self._stand_still()
        self.jump(symbol, to)

    def jump(self, symbol: str, price: float) -> None:
        self.desk.server.market.jump(symbol, price)

    def price(self, symbol: str) -> float:
        return float(self.desk.server.market.prices[symbol])

    def levels(self, symbol: str) -> list[float]:
        """The prices of the stops and limits that are at work."""
        own = [o for o in self.desk.books.orders.values() if o.symbol == symbol and o.works and o.is_open]
        prices = [order.stop_price or order.limit_price for order in own]
        return [float(price) for price in prices if price is not None]


# --- Bars ---


def times(timeframe: str, number: int) -> Times:
    """Sessions; of minutes the last ones of a session and the first of the next one."""
    if timeframe == "1Day":
        return daily_times(sessions_between(FIRST, date(2012, 3, 30)))[:number]
    end, start = session_close(FIRST), session_open(date(2012, 1, 4))
    late, minute = number // 3, timedelta(minutes=1)
    found = [*(end - n * minute for n in range(late, 0, -1)), *(start + n * minute for n in range(number - late))]
    return np.array([to_datetime64(each) for each in found], "M8[us]")


def wave(seed: int, time: Times, step: float) -> Bars:
    """Bars that cross their averages often, in whole cents; the opens in whole steps, each with a gap of 5 cents
    or more."""
    random = np.random.default_rng(seed)
    close = np.round(40 * np.exp(np.cumsum(random.normal(0, 0.02, len(time)))), 2)
    before = np.concatenate(([40.0], close[:-1]))
    open_ = np.round(before * np.exp(random.normal(0, 0.008, len(time))) / step) * step
    open_ = np.where(np.abs(open_ - before) < 0.05, open_ + max(step, 0.1), open_)
    high, low = np.maximum(open_, close) * 1.004, np.minimum(open_, close) * 0.996
    open_, high, low = (np.round(column, 2) for column in (open_, high, low))
    return Bars(time, open_, high, low, close, np.full(len(time), 1e6))


# --- Both ---


def run_both(trading: Trading, rules: RiskRules, timeframe: str) -> set[str]:
    """Both make the same trades. Returns why lots were closed."""
    time = next(iter(trading.bars.values())).time
    backtest = simulate(
        make_kind(KIND["kind"], KIND["parameters"]),
        dict(trading.bars),
        capital=CAPITAL,
        rules=rules,
        costs=Costs(),
        start=to_datetime(time[0]),
        end=to_datetime(time[-1]),
    ).result
    trading.run(timeframe)

    def bar_of(moment: datetime | None) -> datetime | None:
        """The time of the bar that a fill belongs to."""
        if moment is None or timeframe != "1Day":
            return moment and moment.replace(second=0, microsecond=0)
        return daily_time(moment.astimezone(NEW_YORK).date())

    def price(dollars: float) -> Decimal:
        """As it is on the wire."""
        return price_as_sent(to_decimal(dollars))

    trades = sorted(backtest.trades, key=lambda trade: (trade.entry_time, trade.symbol))
    made = list(PaperTrade.objects.order_by("entry_time", "symbol"))
    closed = [trade for trade in made if not trade.is_open]
    for name in ("symbol", "exit_reason"):
        assert [getattr(t, name) for t in closed] == [getattr(t, name) for t in trades]
    for name in ("entry_time", "exit_time"):
        assert [bar_of(getattr(t, name)) for t in closed] == [getattr(t, name) for t in trades]
    for name in ("entry_price", "exit_price"):
        assert [getattr(t, name) for t in closed] == [price(getattr(t, name)) for t in trades]
    assert [t.quantity for t in closed] == [t.quantity for t in trades]
    left = [(p.symbol, p.quantity, p.entry_time, price(p.entry_price)) for p in backtest.open_positions]
    still = [(t.symbol, t.quantity, bar_of(t.entry_time), t.entry_price) for t in made if t.is_open]
    assert sorted(still) == sorted(left)

    # What the prices on the wire change is the proceeds of the exits alone.
    rounding = sum(
        (to_decimal(t.quantity) * (price(t.exit_price) - to_decimal(t.exit_price)) for t in trades), ZERO
    )
    account = trading.desk.account
    account.refresh_from_db()
    assert account.booked_cash is not None
    assert float(account.booked_cash - rounding) == pytest.approx(backtest.cash, abs=0.0001)
    assert trading.desk.incidents() == []
    return {trade.exit_reason for trade in trades}


@pytest.mark.parametrize(
    ("timeframe", "rules", "step", "parts"),
    [
        ("1Day", EXACT, 0.2, False),
        ("1Day", ROUNDED, 0.01, True),
        ("1Day", TRAILING, 0.01, False),
        ("1Min", EXACT, 0.2, False),
        ("1Min", ROUNDED, 0.01, True),
    ],
    ids=["daily", "daily, in parts", "daily, trailing", "minutes", "minutes, in parts"],
)
def test_entries_and_exits_are_those_of_the_backtest(
    server: AlpacaServer,
    alice: User,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    timeframe: str,
    rules: RiskRules,
    step: float,
    parts: bool,
) -> None:
    monkeypatch.setattr(RequestBudget, "take", lambda budget, urgency: None)  # the test's minutes are short
    time = times(timeframe, 20)
    bars = {symbol: wave(SEED + n, time, step) for n, symbol in enumerate("VW")}
    put_bars(bars, timeframe)
    desk = alpaca_desk(server, alice, settings)
    server.list_assets(**dict.fromkeys(bars, 40.0))
    server.market.now = to_datetime(bar_open(time[:1], timeframe)[0])
    desk.seconds = 2
    desk.books.largest_fill = Decimal(20) if parts else None
    first = to_datetime(bar_close(time[:1], timeframe)[0])
    desk.deploy(symbols=sorted(bars), timeframe=timeframe, next_check_at=first, **KIND, **rules.as_dict())
    reasons = run_both(Trading(desk, bars), rules, timeframe)
    assert reasons == {"signal", "trailing_stop" if rules is TRAILING else "stop_loss", "take_profit"}
    assert desk.books.refused == []
    desk.check_settled()
