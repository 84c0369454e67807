"""The closed trades of a backtest as a table, and all trades as a CSV file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from backtests.lists.sorting import Column, sort_by
from backtests.models import Backtest, BacktestTrade

PAGE_SIZE = 50
# The order in which trades were closed.
CLOSING_ORDER = ("exit_time", "entry_time", "symbol", "id")
NOT_ON_PHONES = "max-sm:hidden"

COLUMNS = (
    Column("number", "#", F("number"), css_class=NOT_ON_PHONES),
    Column("symbol", "Symbol", F("symbol"), ascending_first=True, is_text=True),
    Column("quantity", "Shares", F("quantity"), css_class=NOT_ON_PHONES),
    Column("entry_time", "Opened (ET)", F("entry_time"), is_text=True, css_class=NOT_ON_PHONES),
    Column("entry_price", "Price", F("entry_price"), css_class=NOT_ON_PHONES),
    Column("exit_time", "Closed (ET)", F("exit_time"), is_text=True, css_class=NOT_ON_PHONES),
    Column("exit_price", "Price", F("exit_price"), css_class=NOT_ON_PHONES),
    Column("exit_reason", "Reason", F("exit_reason"), ascending_first=True, is_text=True),
    Column("pnl", "P&L", F("pnl")),
    Column("return", "Return", F("return_fraction")),
    Column("r_multiple", "R", F("r_multiple")),
    Column("commission", "Commission", F("commission")),
)


@dataclass(frozen=True, slots=True)
class ClosedTradesPage:
    """The trades have their `number`, counted from the first trade that was closed."""

    page: Page[Any]
    columns: list[Column]


def closed_trades_page(backtest: Backtest, sort: str, page: str | None) -> ClosedTradesPage:
    """sort: a column's key, "-" before it for descending order; any other value sorts by latest first."""
    columns, order = sort_by(COLUMNS, sort, "-number")
    closed = backtest.trades.exclude(exit_time=None)
    numbered: QuerySet[Any] = closed.annotate(
        number=Window(RowNumber(), order_by=[F(name) for name in CLOSING_ORDER])
    )
    return ClosedTradesPage(Paginator(numbered.order_by(order, "-number"), PAGE_SIZE).get_page(page), columns)


def trade_list(backtest: Backtest, symbol: str, page: str | None, shown: BacktestTrade | None) -> Page[Any]:
    """The list beside the chart: closed trades of the symbol, "" for all, the latest first.

    shown: without a page in the address, its page is the one that has this trade."""
    closed = backtest.trades.exclude(exit_time=None)
    if symbol:
        closed = closed.filter(symbol=symbol)
    paginator = Paginator(closed.order_by(*(f"-{name}" for name in CLOSING_ORDER)), PAGE_SIZE)
    if page is None and shown is not None and shown.exit_time is not None:
        page = str(closed.filter(_closed_after(shown)).count() // PAGE_SIZE + 1)
    return paginator.get_page(page)


def _closed_after(trade: BacktestTrade) -> Q:
    """The trades that stand above this one in CLOSING_ORDER, turned round."""
    later, same = Q(), Q()
    for name in CLOSING_ORDER:
        value = getattr(trade, name)
        later |= same & Q(**{f"{name}__gt": value})
        same &= Q(**{name: value})
    return later


def backtest_trade_rows(backtest: Backtest) -> Iterator[list[object]]:
    """A header row, the closed trades in the order of their exits, then the open positions: times in UTC,
    dollars and shares unrounded, return as a fraction. An open position has no exit_time; its exit_price is the
    last close."""
    yield [
        *("symbol", "shares", "entry_time", "entry_price", "initial_stop_price", "stop_price", "target_price"),
        *("exit_time", "exit_price", "exit_reason", "pnl", "return", "r_multiple", "no_r_reason", "commission"),
    ]
    first, *others = (F(name).asc(nulls_last=True) for name in CLOSING_ORDER)
    trades: QuerySet[BacktestTrade] = backtest.trades.order_by(first, *others)
    for trade in trades.iterator(chunk_size=2000):
        yield [
            trade.symbol,
            f"{trade.quantity.normalize():f}",
            trade.entry_time.isoformat(),
            trade.entry_price,
            trade.initial_stop_price,
            trade.stop_price,
            trade.target_price,
            trade.exit_time and trade.exit_time.isoformat(),
            trade.exit_price,
            trade.exit_reason,
            trade.pnl,
            trade.return_fraction,
            trade.r_multiple,
            trade.no_r_reason,
            trade.commission,
        ]
