"""The equity of an account day by day, against an equal-weight hold of what its strategies trade; and the profit
and loss of the week and the month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.db.models import Sum

from livetrading.models import AccountActivity, AccountDay, BrokerAccount
from tradedesk.core.bars import Bars, session_dates
from tradedesk.marketdata.library import closed
from tradedesk.marketdata.quotes import load_readable, market_day
from tradedesk.marketdata.sessions import daily_time

# A longer history is thinned to about so many days.
MOST_DAYS = 1500
# The strategies and the symbols that the benchmark looks at.
STRATEGIES, SYMBOLS = 50, 20
DAY, ZERO = timedelta(days=1), Decimal(0)
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class EquityCurve:
    """days: the one before the first with what the account began with, then each with a report. benchmark: in
    dollars, from the first equity on; empty where no symbol has bars of all days."""

    days: list[date]
    equity: list[float]
    benchmark: list[float]
    symbols: list[str]


@dataclass(frozen=True, slots=True)
class Period:
    """Dollars since the end of the day before it, without money paid in or out; None before the first report."""

    pnl: Decimal | None = None
    base: Decimal | None = None

    @property
    def return_fraction(self) -> float | None:
        return float(self.pnl / self.base) if self.base and self.pnl is not None else None


def read_curve(account: BrokerAccount, now: datetime) -> EquityCurve:
    """Four queries at most."""
    rows = _reports(account, now)
    stride = -(-len(rows) // MOST_DAYS)
    rows = rows[(len(rows) - 1) % stride :: stride] if rows else rows
    days, equity = [day for day, _ in rows], [float(value) for _, value in rows]
    symbols = _traded(account)
    readable = load_readable(account.user_id, symbols, "1Day") if len(rows) > 1 and symbols else {}
    held = {symbol: closed(bars, "1Day", now) for symbol, bars in readable.items()}
    return EquityCurve(days, equity, *equal_weight(days, equity[0] if equity else 0.0, held))


def _reports(account: BrokerAccount, now: datetime) -> list[tuple[date, Decimal]]:
    """The equity of each day with a report, in the order of days, and before them what the account began with."""
    stored = list(AccountDay.objects.filter(account=account).order_by("day").values_list("day", "start", "equity"))
    if account.equity is not None:
        today = max([account.equity_day or market_day(now), *(day for day, _, _ in stored[-1:])])
        stored = [row for row in stored if row[0] != today]
        stored.append((today, account.day_start_equity or account.equity, account.equity))
    began = [(stored[0][0] - DAY, stored[0][1])] if stored else []
    return [*began, *((day, equity) for day, _, equity in stored)]


def equal_weight(days: Sequence[date], start: float, bars: dict[str, Bars]) -> tuple[list[float], list[str]]:
    """`start` dollars in equal parts in each symbol with a close on or before the first day, held: its value on
    each day and these symbols. Pure."""
    wanted = np.array(days, dtype="datetime64[D]")
    grown, symbols = [], []
    for symbol, own in sorted(bars.items()):
        rows = np.searchsorted(session_dates(own.time).astype("datetime64[D]"), wanted, side="right") - 1
        if len(rows) and rows[0] >= 0:
            grown.append(own.close[rows] / own.close[rows[0]])
            symbols.append(symbol)
    return (start * np.mean(grown, axis=0)).tolist() if grown else [], symbols


def equity_columns(curve: EquityCurve) -> dict[str, Any]:
    """What the chart of the account draws (docs/frontend.md)."""
    days = [(day - EPOCH).days for day in curve.days]
    benchmark = [round(value, 2) for value in curve.benchmark]
    return {"unit": "day", "time": days, "equity": curve.equity, "benchmark": benchmark, "symbols": curve.symbols}


def read_periods(account: BrokerAccount, now: datetime) -> tuple[Period, Period]:
    """The week and the month of the market day. Four queries."""
    today = market_day(now)
    if account.equity is None:
        return Period(), Period()
    first_days = (today - timedelta(days=today.weekday()), today.replace(day=1))
    bases = [_equity_before(account, day) for day in first_days]
    found = []
    for base in bases:
        # What a day began with is moved by its transfers.
        day, equity = base or (account.equity_day or today, account.day_start_equity or account.equity)
        transfers = account.activities.filter(
            kind=AccountActivity.Kind.TRANSFER, time__gte=daily_time(day + DAY), time__lte=now
        ).aggregate(sum=Sum("amount"))["sum"]
        found.append(Period(account.equity - equity - (transfers or ZERO), equity))
    return found[0], found[1]


def _equity_before(account: BrokerAccount, day: date) -> tuple[date, Decimal] | None:
    """The last equity before that day; what an account began with that began later. With the day whose transfers
    are in it."""
    rows = AccountDay.objects.filter(account=account)
    last = rows.filter(day__lt=day).order_by("-day").values_list("day", "equity").first()
    first = None if last else rows.order_by("day").values_list("day", "start").first()
    return last or first


def _traded(account: BrokerAccount) -> list[str]:
    lists = account.live_strategies.order_by("-pk").values_list("symbols", flat=True)[:STRATEGIES]
    return sorted({symbol for symbols in lists for symbol in symbols})[:SYMBOLS]
