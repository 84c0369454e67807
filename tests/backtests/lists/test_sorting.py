"""Columns that sort their table."""

import pytest
from django.db.models import F

from backtests.lists.sorting import Column, json_number, sort_by
from backtests.models import Backtest
from tests.livetrading.factories import make_backtest
from tradedesk.accounts.models import User

COLUMNS = (
    Column("name", "Strategy", F("strategy_name"), ascending_first=True, is_text=True),
    Column("return", "Return", json_number("metrics", "total_return")),
)


@pytest.mark.parametrize(
    ("sort", "orders"),
    [
        ("name", ["ascending", ""]),
        ("-name", ["descending", ""]),
        ("return", ["", "ascending"]),
        ("-return", ["", "descending"]),
        # Anything that is not a column sorts by the default.
        ("", ["", "descending"]),
        ("id", ["", "descending"]),
        ("--name", ["", "descending"]),
        ("password__startswith", ["", "descending"]),
    ],
)
def test_the_sorted_column_is_marked(sort: str, orders: list[str]) -> None:
    columns, _ = sort_by(COLUMNS, sort, "-return")
    assert [column.order for column in columns] == orders


@pytest.mark.parametrize(
    ("sort", "next_sorts"),
    [
        # The first press sorts names in ascending and figures in descending order, the second reverses it.
        ("name", ["-name", "-return"]),
        ("-name", ["name", "-return"]),
        ("return", ["name", "-return"]),
        ("-return", ["name", "return"]),
    ],
)
def test_a_second_press_reverses_the_order(sort: str, next_sorts: list[str]) -> None:
    columns, _ = sort_by(COLUMNS, sort, "-return")
    assert [column.next_sort for column in columns] == next_sorts


@pytest.mark.parametrize(
    ("sort", "expected"), [("return", [-0.5, 2, 10, None, None]), ("-return", [10, 2, -0.5, None, None])]
)
def test_json_numbers_sort_as_numbers_and_missing_ones_last(
    alice: User, sort: str, expected: list[float | None]
) -> None:
    """As text, 10 would sort below 2."""
    for metrics in ({"total_return": 2}, {}, {"total_return": 10}, {"total_return": None}):
        make_backtest(user=alice, metrics=metrics)
    make_backtest(user=alice, metrics={"total_return": -0.5})
    _, order = sort_by(COLUMNS, sort, "-return")
    found = [backtest.metrics.get("total_return") for backtest in Backtest.objects.order_by(order)]
    assert found == expected
