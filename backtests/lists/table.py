"""The table of a user's backtests: one page of the filtered backtests, sorted by a column."""

from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import F, QuerySet

from backtests.lists.sorting import Column, json_number, sort_by
from backtests.models import Backtest

PAGE_SIZE = 25
# Large JSON fields that no list shows, and those that only the page's list does not show.
LARGE_FIELDS = ("provenance", "buy_and_hold")
UNUSED_FIELDS = (*LARGE_FIELDS, "doubled_costs", "rules", "costs")
NOT_ON_PHONES = "max-sm:hidden"


def _metric(key: str, label: str, *, ascending_first: bool = False) -> Column:
    return Column(
        key, label, json_number("metrics", key), ascending_first=ascending_first, css_class=NOT_ON_PHONES
    )


COLUMNS = (
    Column(
        "strategy", "Strategy", F("strategy_name"), ascending_first=True, is_text=True, css_class="board-subject"
    ),
    Column("status", "Status", F("status"), ascending_first=True, is_text=True, css_class=NOT_ON_PHONES),
    Column("period", "Period", F("start_date"), ascending_first=True, is_text=True, css_class=NOT_ON_PHONES),
    Column("total_return", "Return", json_number("metrics", "total_return"), css_class="board-return"),
    _metric("buy_and_hold_return", "Buy and hold"),
    _metric("sharpe", "Sharpe"),
    _metric("max_drawdown", "Max drawdown", ascending_first=True),
    _metric("trades", "Trades"),
    Column("created", "Created (ET)", F("created_at"), is_text=True, css_class=NOT_ON_PHONES),
)


@dataclass(frozen=True, slots=True)
class BacktestTable:
    page: Page[Backtest]
    columns: list[Column]


def backtest_table(backtests: QuerySet[Backtest], sort: str, page: str | None) -> BacktestTable:
    """sort: a column's key, "-" before it for descending order; any other value sorts by newest first."""
    columns, order = sort_by(COLUMNS, sort, "-created")
    ordered = backtests.defer(*UNUSED_FIELDS).order_by(order, "-id")
    return BacktestTable(Paginator(ordered, PAGE_SIZE).get_page(page), columns)
