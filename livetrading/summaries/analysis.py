"""The analysis of a user's closed trades: all figures of the page and of the API."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef, Subquery

from backtests.models.result import EXIT_REASON_CHOICES
from livetrading.models import BrokerAccount, LiveStrategy
from livetrading.models.trade import trades_of
from livetrading.summaries.closed_trades import ReadTrades, TradeFilter, read_closed_trades
from livetrading.summaries.trade_costs import CostFigures, costs_of
from tradedesk.accounts.models import User
from tradedesk.core.bars import Timeframe
from tradedesk.core.metrics import max_drawdown
from tradedesk.core.trade_statistics import (
    DollarDrawdown,
    Group,
    MonthlyPnl,
    PnlCurve,
    Streaks,
    TradeFigures,
    by_holding_time,
    by_key,
    deepest_drawdown,
    figures_of,
    monthly_pnl,
    pnl_curve,
    streaks_of,
)
from tradedesk.marketdata.sessions import NEW_YORK

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
REASONS = dict(EXIT_REASON_CHOICES)
# A paper account fills daily bars at their open without a time of day.
AT_OPEN = "Open of a daily bar"
# Rows of a table: the largest gains and losses.
MOST_ROWS = 30


@dataclass(frozen=True, slots=True)
class GroupTable:
    """left_out: how many groups with a smaller P&L are not among the rows."""

    title: str
    heading: str
    rows: list[Group]
    left_out: int = 0

    @property
    def widest(self) -> float:
        """The largest P&L, gain or loss, for the bars."""
        return max((abs(row.figures.pnl) for row in self.rows), default=0.0)


@dataclass(frozen=True, slots=True)
class HoldingTimes:
    """Seconds; None without such a trade."""

    mean: float | None
    median: float | None
    median_win: float | None
    median_loss: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """of: what was read. starting: dollars, of the accounts that traded; None when unknown. drawdown_fraction: the
    deepest fall of starting + P&L, from its peak."""

    of: ReadTrades
    figures: TradeFigures
    holding: HoldingTimes
    streaks: Streaks
    costs: CostFigures
    months: list[MonthlyPnl]
    curve: PnlCurve
    drawdown: DollarDrawdown | None
    drawdown_fraction: float | None
    starting: float | None
    tables: dict[str, GroupTable]

    @property
    def widest_month(self) -> float:
        """The largest P&L of a month, gain or loss, for the colours."""
        values = [value for year in self.months for value in year.months if value is not None]
        return max((abs(value) for value in values), default=0.0)

    @property
    def first_exit(self) -> date | None:
        return self.curve.session[0].item() if len(self.curve.session) else None

    @property
    def last_exit(self) -> date | None:
        return self.curve.session[-1].item() if len(self.curve.session) else None


def analyse(user: User, mode: str, wanted: TradeFilter) -> Analysis:
    """Two queries, however many trades there are."""
    read = read_closed_trades(user, mode, wanted)
    trades, curve = read.trades, pnl_curve(read.trades)
    starting = starting_equity(user, mode) if len(read) else None
    fraction = None
    if starting:
        fraction = max_drawdown(trades.exit, starting + np.cumsum(trades.pnl), starting)[0]
    return Analysis(
        of=read,
        figures=figures_of(trades),
        holding=_holding_times(read),
        streaks=streaks_of(trades.pnl),
        costs=costs_of(read),
        months=monthly_pnl(trades),
        curve=curve,
        drawdown=deepest_drawdown(curve),
        drawdown_fraction=fraction,
        starting=starting,
        tables=_tables(read),
    )


def starting_equity(user: User, mode: str) -> float | None:
    """Dollars of the accounts of this mode that have traded: the starting cash of a simulated one, and of the
    others the equity at their first deployment. None when one of them is unknown. One query."""
    first = LiveStrategy.with_deleted.filter(account=OuterRef("pk")).order_by("pk").values("starting_equity")[:1]
    traded = Exists(trades_of(user, mode).filter(account=OuterRef("pk")).order_by())
    accounts = BrokerAccount.objects.filter(traded, user=user, mode=mode)
    known = accounts.values_list("paper_account__starting_cash", Subquery(first))
    values = [deployed if cash is None else cash for cash, deployed in known]
    return None if None in values else float(sum(values))


def _tables(read: ReadTrades) -> dict[str, GroupTable]:
    def table(
        title: str, heading: str, keys: Sequence[Any], order: Callable[[Group], Any] | None = None
    ) -> GroupTable:
        shown, more = by_key(read.trades, keys, MOST_ROWS)
        shown.sort(key=order or (lambda group: -group.figures.pnl))
        return GroupTable(title, heading, shown, more)

    moments = [moment.replace(tzinfo=UTC).astimezone(NEW_YORK) for moment in read.trades.entry.tolist()]
    weekdays = [WEEKDAYS[moment.weekday()] for moment in moments]
    hours = [_hour(moment, timeframe) for moment, timeframe in zip(moments, read.timeframes, strict=True)]
    reasons = [REASONS.get(reason, "Unknown") for reason in read.reasons]
    return {
        "strategy": table("By strategy", "Strategy", read.strategies),
        "symbol": table("By symbol", "Symbol", read.symbols),
        "weekday": table(
            "By weekday of the entry", "Weekday", weekdays, lambda group: WEEKDAYS.index(str(group.key))
        ),
        "hour": table("By hour of the entry (ET)", "Hour", hours, lambda group: str(group.key)),
        "reason": table("By exit reason", "Reason", reasons),
        "holding": GroupTable("By holding time", "Held", by_holding_time(read.trades)),
    }


def _hour(moment: datetime, timeframe: str) -> str:
    if Timeframe(timeframe).is_dated and not (moment.hour or moment.minute):
        return AT_OPEN
    return f"{moment:%H}:00"


def _holding_times(read: ReadTrades) -> HoldingTimes:
    seconds, pnl = read.trades.seconds, read.trades.pnl

    def median(chosen: Any) -> float | None:
        return float(np.median(chosen)) if len(chosen) else None

    mean = float(seconds.mean()) if len(seconds) else None
    return HoldingTimes(mean, median(seconds), median(seconds[pnl > 0.0]), median(seconds[pnl < 0.0]))
