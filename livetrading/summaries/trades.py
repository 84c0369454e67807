"""Trades by market day: a closed one stands under the day of its exit, an open one under the day of its entry."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate

from livetrading.models.trade import BaseTrade
from livetrading.summaries.account import trades_of
from livetrading.summaries.quotes import market_day
from tradedesk.accounts.models import User
from tradedesk.marketdata.sessions import NEW_YORK, daily_time


@dataclass(frozen=True, slots=True)
class TradeDay:
    """trades: those of this page. realized, opened, closed: of the whole day, in dollars and trades."""

    day: date
    trades: list[BaseTrade]
    realized: Decimal
    opened: int
    closed: int


def latest_trades(user: User, mode: str) -> "QuerySet[Any]":
    """By the moment of their last event, closing or opening, the newest first."""
    trades: QuerySet[Any] = trades_of(user, mode).annotate(event_time=Coalesce("exit_time", "entry_time"))
    return trades.select_related("live_strategy").order_by("-event_time", "-pk")


def by_day(page: Iterable[Any], trades: "QuerySet[Any]") -> list[TradeDay]:
    """A page of `latest_trades` in groups; the figures of a day count those of `trades` on other pages, too."""
    groups = [(day, list(group)) for day, group in groupby(page, lambda trade: market_day(trade.event_time))]
    if not groups:
        return []
    days = _whole_days(trades, groups[-1][0], groups[0][0])
    return [TradeDay(day, group, **days[day]) for day, group in groups]


def _whole_days(trades: "QuerySet[Any]", first: date, last: date) -> dict[date, dict[str, Any]]:
    start, end = daily_time(first), daily_time(last + timedelta(days=1))
    within = trades.filter(event_time__gte=start, event_time__lt=end).order_by()
    days = within.values(day=TruncDate("event_time", tzinfo=NEW_YORK))
    days = days.annotate(realized=Sum("pnl"), total=Count("pk"), closed=Count("exit_time"))
    return {
        row["day"]: {
            "realized": row["realized"],
            "opened": row["total"] - row["closed"],
            "closed": row["closed"],
        }
        for row in days
    }


def csv_rows(trades: "QuerySet[Any]") -> Iterator[list[object]]:
    """A heading, and a row a trade: times in UTC, dollars and shares unrounded, return as a fraction."""
    yield [
        *("symbol", "strategy", "shares", "entry_time", "entry_price", "exit_time", "exit_price", "exit_reason"),
        *("pnl", "return", "r_multiple", "commission"),
    ]
    for trade in trades.iterator(chunk_size=2000):
        yield [
            trade.symbol,
            trade.live_strategy.name if trade.live_strategy else "",
            f"{trade.quantity.normalize():f}",
            trade.entry_time.isoformat(),
            trade.entry_price,
            trade.exit_time.isoformat() if trade.exit_time else "",
            "" if trade.exit_price is None else trade.exit_price,
            trade.exit_reason,
            trade.pnl,
            trade.return_fraction,
            "" if trade.r_multiple is None else trade.r_multiple,
            trade.commission,
        ]
