"""A page of trades as the trades page shows it: grouped by market day, each trade marked at the last close."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

import numpy as np
from django.db.models import QuerySet

from livetrading.models import AccountDay, BrokerAccount
from livetrading.models.trade import Trade
from livetrading.summaries.sparklines import Sparkline
from livetrading.summaries.trade_bars import bars_of_trades, last_close, trade_sparkline
from livetrading.summaries.trades import day_figures
from tradedesk.core.bars import Bars, Timeframe
from tradedesk.marketdata.quotes import Series, market_day
from tradedesk.marketdata.sessions import daily_time
from tradedesk.marketdata.trading_calendar import trading_calendar

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class TradeRow:
    """A trade at the last close. last: None when its symbol has no bars. spark: None without bars around it."""

    trade: Trade
    last: Decimal | None
    held: str
    spark: Sparkline | None

    @property
    def price(self) -> Decimal | None:
        """What the shares were sold at, or are worth now."""
        return self.last if self.trade.is_open else self.trade.exit_price

    @property
    def unrealized(self) -> Decimal | None:
        """Of the shares that are still held, before costs; None for a closed trade."""
        if not self.trade.is_open or self.last is None:
            return None
        return self.trade.open_quantity * (self.last - self.trade.entry_price)

    @property
    def realized(self) -> Decimal | None:
        """None while nothing was sold."""
        return self.trade.pnl if not self.trade.is_open or self.trade.exit_quantity else None

    @property
    def total(self) -> Decimal | None:
        """Realized and unrealized, after the commissions paid so far; None for an open one without a price."""
        if not self.trade.is_open:
            return self.trade.pnl
        return None if self.unrealized is None else self.trade.pnl + self.unrealized

    @property
    def return_fraction(self) -> float | None:
        """Of what the shares cost."""
        cost = self.trade.quantity * self.trade.entry_price
        return None if self.total is None or not cost else float(self.total / cost)

    @property
    def r_multiple(self) -> float | None:
        """The result over the first risk."""
        risk = self.trade.risk
        return None if self.total is None or risk is None else float(self.total / risk)


@dataclass(frozen=True, slots=True)
class Day:
    """rows: the trades of this day on this page. The figures are of all its trades that the filter lets through.
    unrealized: of those still open; None without one. account: what the account did on this day, None when no
    report of it is stored."""

    day: date
    rows: list[TradeRow]
    realized: Decimal
    unrealized: Decimal | None
    closed: int
    opened: int
    account: AccountDay | None

    @property
    def trades(self) -> int:
        return self.closed + self.opened


def rows_of(user_id: int, trades: Sequence[Trade], now: datetime) -> list[TradeRow]:
    """One query for each timeframe."""
    return _rows(trades, bars_of_trades(user_id, trades, now), now)


def days_of(
    account: BrokerAccount | None, page: Sequence[Any], trades: "QuerySet[Any]", user_id: int, now: datetime
) -> list[Day]:
    """The groups of one page of `trades`, in its order; without a day whose trades were all sold on a later one
    since the page was read. The number of queries depends only on that of the timeframes; what they read, on the
    days of the page."""
    if not page:
        return []
    dates = [market_day(trade.event_time) for trade in page]
    first, last = min(dates), max(dates)
    start, end = daily_time(first), daily_time(last + timedelta(days=1))
    held = list(trades.filter(exit_time=None, entry_time__gte=start, entry_time__lt=end).select_related(None))
    bars = bars_of_trades(user_id, [*page, *held], now)
    unrealized = _unrealized(held, bars)
    figures, days = day_figures(trades, first, last), days_of_account(account, set(dates))
    return [
        Day(
            day,
            _rows(list(group), bars, now),
            **figures[day],
            unrealized=unrealized.get(day),
            account=days.get(day),
        )
        for day, group in groupby(page, lambda trade: market_day(trade.event_time))
        if day in figures
    ]


def days_of_account(account: BrokerAccount | None, days: set[date]) -> dict[date, AccountDay]:
    """What the account did on each of these days."""
    if account is None:
        return {}
    found = {each.day: each for each in AccountDay.objects.filter(account=account, day__in=days)}
    newest = today_of(account)
    return found if newest is None or newest.day not in days else found | {newest.day: newest}


def today_of(account: BrokerAccount) -> AccountDay | None:
    """The day of the account's last report, which is stored when the first report of another day arrives."""
    if account.equity_day is None or account.day_start_equity is None or account.equity is None:
        return None
    return AccountDay(
        account=account, day=account.equity_day, start=account.day_start_equity, equity=account.equity
    )


def _unrealized(held: Iterable[Any], bars: Mapping[Series, Bars]) -> dict[date, Decimal]:
    sums: dict[date, Decimal] = defaultdict(Decimal)
    for trade in held:
        last = last_close(trade, bars)
        if last is not None:
            sums[market_day(trade.event_time)] += trade.open_quantity * (last - trade.entry_price)
    return sums


def _rows(trades: Sequence[Trade], bars: Mapping[Series, Bars], now: datetime) -> list[TradeRow]:
    held = _times_held(trades, now)
    return [
        TradeRow(
            trade, last_close(trade, bars), text, trade_sparkline(trade, bars.get((trade.symbol, trade.timeframe)))
        )
        for trade, text in zip(trades, held, strict=True)
    ]


def _times_held(trades: Sequence[Trade], now: datetime) -> list[str]:
    """How long each was held: sessions of a dated timeframe, otherwise the time."""
    if not trades:
        return []
    opens = trading_calendar().dates
    starts = np.array([np.datetime64(market_day(trade.entry_time)) for trade in trades])
    ends = np.array([np.datetime64(market_day(trade.exit_time or now)) for trade in trades])
    sessions = np.searchsorted(opens, ends, side="right") - np.searchsorted(opens, starts, side="right")
    return [
        _sessions(int(number)) if Timeframe(trade.timeframe).is_dated or number > 1 else _time(trade, now)
        for trade, number in zip(trades, sessions.tolist(), strict=True)
    ]


def _sessions(number: int) -> str:
    return "Same day" if number <= 0 else f"{number:,} session{'' if number == 1 else 's'}"


def _time(trade: Trade, now: datetime) -> str:
    minutes = max(0, int(((trade.exit_time or now) - trade.entry_time).total_seconds() // 60))
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"
