"""Columns that sort their table."""

import pytest
from django.db.models import F

from backtests.lists.sorting import Column, in_order, number_in
from backtests.models import Backtest
from tests.livetrading.factories import make_backtest
from tradedesk.accounts.models import User

COLUMNS = (
    Column("name", "Strategy", F("strategy_name"), rising=True, is_text=True),
    Column("return", "Return", number_in("metrics", "total_return")),
)


@pytest.mark.parametrize(
    ("sort", "orders"),
    [
        ("name", ["ascending", ""]),
        ("-name", ["descending", ""]),
        ("return", ["", "ascending"]),
        ("-return", ["", "descending"]),
        # What is no column is read as the order that the table has by itself.
        ("", ["", "descending"]),
        ("id", ["", "descending"]),
        ("--name", ["", "descending"]),
        ("password__startswith", ["", "descending"]),
    ],
)
def test_the_column_that_sorts_is_marked(sort: str, orders: list[str]) -> None:
    columns, _ = in_order(COLUMNS, sort, "-return")
    assert [column.order for column in columns] == orders


@pytest.mark.parametrize(
    ("sort", "follows"),
    [
        # A name is read from A on, a figure from the greatest on; a second press turns it round.
        ("name", ["-name", "-return"]),
        ("-name", ["name", "-return"]),
        ("return", ["name", "-return"]),
        ("-return", ["name", "return"]),
    ],
)
def test_a_press_turns_the_order_round(sort: str, follows: list[str]) -> None:
    columns, _ = in_order(COLUMNS, sort, "-return")
    assert [column.follows for column in columns] == follows


@pytest.mark.parametrize(
    ("sort", "expected"), [("return", [-3.5, 2, 10, None, None]), ("-return", [10, 2, -3.5, None, None])]
)
def test_numbers_in_json_are_compared_as_numbers_and_none_stands_last(
    alice: User, sort: str, expected: list[float | None]
) -> None:
    """As texts, 10 would stand before 2."""
    for metrics in ({"total_return": 2}, {}, {"total_return": 10}, {"total_return": None}):
        make_backtest(user=alice, metrics=metrics)
    make_backtest(user=alice, metrics={"total_return": -3.5})
    _, order = in_order(COLUMNS, sort, "-return")
    found = [backtest.metrics.get("total_return") for backtest in Backtest.objects.order_by(order)]
    assert found == expected
