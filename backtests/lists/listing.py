"""The list of a user's backtests: one page of those that were asked for, in the order that was asked for."""

from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import F, QuerySet

from backtests.lists.sorting import Column, in_order, number_in
from backtests.models import Backtest

PAGE_SIZE = 25
# What a result weighs, which no list shows; the page's list shows neither rules nor costs.
WEIGHTY = ("provenance", "buy_and_hold")
HEAVY = (*WEIGHTY, "doubled_costs", "rules", "costs")
ON_COMPUTERS = "max-sm:hidden"


def _metric(key: str, label: str, *, rising: bool = False) -> Column:
    return Column(key, label, number_in("metrics", key), rising=rising, place=ON_COMPUTERS)


COLUMNS = (
    Column("strategy", "Strategy", F("strategy_name"), rising=True, is_text=True, place="board-subject"),
    Column("status", "Status", F("status"), rising=True, is_text=True, place=ON_COMPUTERS),
    Column("period", "Period", F("start_date"), rising=True, is_text=True, place=ON_COMPUTERS),
    Column("total_return", "Return", number_in("metrics", "total_return"), place="board-return"),
    _metric("buy_and_hold_return", "Buy and hold"),
    _metric("sharpe", "Sharpe"),
    _metric("max_drawdown", "Max DD", rising=True),
    _metric("trades", "Trades"),
    Column("created", "Run (ET)", F("created_at"), is_text=True, place=ON_COMPUTERS),
)


@dataclass(frozen=True, slots=True)
class Listing:
    page: Page[Backtest]
    columns: list[Column]


def listing(backtests: QuerySet[Backtest], sort: str, page: str | None) -> Listing:
    """sort: a column's key, with a "-" before it for the greatest first; what is none is the newest first."""
    columns, order = in_order(COLUMNS, sort, "-created")
    found = backtests.defer(*HEAVY).order_by(order, "-id")
    return Listing(Paginator(found, PAGE_SIZE).get_page(page), columns)
