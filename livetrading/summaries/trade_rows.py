"""Trades as rows of a CSV file."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from livetrading.models import AccountDay
from livetrading.models.trade import LONG, Trade
from livetrading.summaries.trade_days import today_of
from tradedesk.accounts.models import User
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.quotes import Quote, Series, market_day, read_quotes
from tradedesk.marketdata.sessions import NEW_YORK

HEADER = (
    *("trade_time", "symbol", "side", "shares", "entry_time", "entry_price", "exit_time", "exit_price", "pnl"),
    *("return_pct", "outcome", "r_multiple", "equity", "strategy", "commission"),
)
ROWS_AT_ONCE = 2000


def trade_rows(user: User, mode: str, trades: "QuerySet[Any]", now: datetime) -> Iterator[list[object]]:
    """A header and one row for each trade, in their order. trade_time: of the exit, or of the entry while open.
    Times are New York's; those of daily and longer bars are dates. Dollars and shares are not rounded. An open
    trade is valued at the last close: pnl, return_pct and r_multiple are what it would bring. equity: of the
    account at the end of the day of trade_time, empty where no report of that day is stored."""
    yield list(HEADER)
    quotes, equity = _quotes(user, trades, now), _equity(user, mode)
    for trade in trades.iterator(chunk_size=ROWS_AT_ONCE):
        yield _row(trade, quotes.get((trade.symbol, trade.timeframe)), equity)


def _row(trade: Any, quote: Quote | None, equity: dict[tuple[int, date], Decimal]) -> list[object]:
    pnl, risk = _pnl(trade, quote), trade.risk
    cost = trade.quantity * trade.entry_price
    return [
        _time(trade.event_time, trade),
        trade.symbol,
        LONG,
        f"{trade.quantity.normalize():f}",
        _time(trade.entry_time, trade),
        trade.entry_price,
        "" if trade.exit_time is None else _time(trade.exit_time, trade),
        "" if trade.exit_price is None else trade.exit_price,
        "" if pnl is None else pnl,
        "" if pnl is None or not cost else round(100 * float(pnl / cost), 6),
        trade.outcome,
        "" if pnl is None or risk is None else round(float(pnl / risk), 6),
        equity.get((trade.account_id, market_day(trade.event_time)), ""),
        trade.live_strategy.name if trade.live_strategy else "",
        trade.commission,
    ]


def _pnl(trade: Trade, quote: Quote | None) -> Decimal | None:
    """None for an open trade without a price."""
    if not trade.is_open:
        return trade.pnl
    return None if quote is None else trade.pnl + trade.open_quantity * (quote.last - trade.entry_price)


def _time(moment: datetime, trade: Trade) -> str:
    local = moment.astimezone(NEW_YORK)
    return str(local.date()) if Timeframe(trade.timeframe).is_dated else local.isoformat()


def _quotes(user: User, trades: "QuerySet[Any]", now: datetime) -> dict[Series, Quote]:
    held = trades.filter(exit_time=None).order_by().values_list("symbol", "timeframe").distinct()
    return read_quotes(user.pk, list(held), now)


def _equity(user: User, mode: str) -> dict[tuple[int, date], Decimal]:
    """By account and day. A row a day and account, however many trades there are."""
    accounts = list(user.broker_accounts.filter(mode=mode))
    stored = AccountDay.objects.filter(account__in=accounts).order_by()
    found = {(pk, day): equity for pk, day, equity in stored.values_list("account_id", "day", "equity")}
    today = (day for account in accounts if (day := today_of(account)) is not None)
    return found | {(day.account_id, day.day): day.equity for day in today}
