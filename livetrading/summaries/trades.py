"""Trades by market day: the day of the exit for a closed trade, the day of the entry for an open trade."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncDate

from livetrading.models.trade import EVENT_TIME, BaseTrade, trades_of
from tradedesk.accounts.models import User
from tradedesk.marketdata.quotes import market_day
from tradedesk.marketdata.sessions import NEW_YORK, daily_time


@dataclass(frozen=True, slots=True)
class TradeDay:
    """trades: those on this page. realized: dollars of the whole day. opened, closed: numbers of trades of the
    whole day."""

    day: date
    trades: list[BaseTrade]
    realized: Decimal
    opened: int
    closed: int


def latest_trades(user: User, mode: str) -> "QuerySet[Any]":
    """Sorted by the time of the exit, or of the entry while open; the newest first."""
    trades: QuerySet[Any] = trades_of(user, mode).annotate(event_time=EVENT_TIME)
    return trades.select_related("live_strategy").order_by("-event_time", "-pk")


def by_day(page: Iterable[Any], trades: "QuerySet[Any]") -> list[TradeDay]:
    """Groups of one page of `latest_trades`; without a day whose trades were all sold on a later one since then.
    The figures of a day include its trades on other pages."""
    groups = [(day, list(group)) for day, group in groupby(page, lambda trade: market_day(trade.event_time))]
    if not groups:
        return []
    days = day_figures(trades, groups[-1][0], groups[0][0])
    return [TradeDay(day, group, **days[day]) for day, group in groups if day in days]


def day_figures(trades: "QuerySet[Any]", first: date, last: date) -> dict[date, dict[str, Any]]:
    """realized, opened and closed, by day, from the first day to the last, both included. One query, which reads
    the trades of these days alone."""
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
