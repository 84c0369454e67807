"""What the page of a backtest shows beside the row itself: trades, origins, and what to mind."""

from dataclasses import dataclass

from django.core.paginator import Page, Paginator

from backtests.coverage import coverage_of
from backtests.models import Backtest, BacktestTrade
from backtests.provenance import Origin, compare
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.library import find_series
from tradedesk.marketdata.models import BarSeries

TRADES_PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Trades:
    """The closed trades, the latest first: one page of them, each with its number counted from the first trade."""

    page: Page[BacktestTrade]
    rows: list[tuple[int, BacktestTrade]]


def trades_of(backtest: Backtest, page_number: str | None) -> Trades:
    closed = backtest.trades.exclude(exit_time=None).order_by("-exit_time", "-entry_time", "symbol", "-id")
    page = Paginator(closed, TRADES_PER_PAGE).get_page(page_number)
    latest = page.paginator.count - page.start_index() + 1
    return Trades(page, [(latest - place, trade) for place, trade in enumerate(page)])


def open_positions_of(backtest: Backtest) -> list[BacktestTrade]:
    return list(backtest.trades.filter(exit_time=None))


def is_daily(backtest: Backtest) -> bool:
    return backtest.timeframe == Timeframe.DAY


def origins_of(backtest: Backtest) -> tuple[list[Origin], list[str]]:
    """What it was made from beside what is there today, and the symbols that had no bars in all of the period."""
    series = find_series(backtest.symbols, backtest.timeframe)
    return compare(backtest.kind, backtest.provenance, series), _short_of_bars(backtest, series)


def _short_of_bars(backtest: Backtest, series: dict[str, BarSeries]) -> list[str]:
    words = []
    for symbol in backtest.symbols:
        if symbol not in series:
            continue
        first, last = coverage_of(series[symbol])
        if first > backtest.end_date or last < backtest.start_date:
            words.append(f"{symbol} has no bars in this period and was not traded.")
    return words
