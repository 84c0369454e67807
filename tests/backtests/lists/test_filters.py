"""Filters and sorting of the list of backtests."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from backtests.lists.table import COLUMNS, PAGE_SIZE
from backtests.models import Backtest
from tests.backtests.pages import HTMX, LIST, has_id
from tests.livetrading.factories import make_backtest, make_strategy
from tradedesk.accounts.models import User


@pytest.fixture
def backtests(alice: User) -> dict[str, Backtest]:
    """Four of Alice's backtests, different in everything that the list can be filtered by."""
    turtle, cross = make_strategy(user=alice, name="Turtle"), make_strategy(user=alice, name="Golden_cross 100%")
    gained, lost = (
        {"total_return": 0.125, "sharpe": 0.8},
        {"total_return": -0.04, "sharpe": -0.1},
    )
    donchian = {"kind": "donchian_breakout", "parameters": {"entry": 20, "exit": 10}}
    evening = datetime(2026, 3, 5, 23, 30, tzinfo=UTC)
    return {
        "turtle": make_backtest(
            user=alice, strategy=turtle, symbols=["AAPL", "MSFT"], metrics=gained, created_at=evening, **donchian
        ),
        "loser": make_backtest(
            user=alice, strategy=turtle, symbols=["MSFT"], metrics=lost, created_at=evening + timedelta(hours=6)
        ),
        "cross": make_backtest(
            user=alice,
            strategy=cross,
            symbols=["A"],
            metrics=gained | {"sharpe": 1.5},
            created_at=evening + timedelta(days=3),
        ),
        "failed": make_backtest(
            user=alice, strategy=cross, symbols=["IBM"], status="failed", metrics={}, created_at=evening
        ),
    }


def shown(browser: Client, backtests: dict[str, Backtest], **query: Any) -> list[str]:
    """The names of the backtests on the page, in its order."""
    names = {backtest.pk: name for name, backtest in backtests.items()}
    page = browser.get(LIST, query).content.decode()
    return [names[int(pk)] for pk in re.findall(r'<tr id="backtest-(\d+)"', page)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {"turtle", "loser", "cross", "failed"}),
        ({"q": "turt"}, {"turtle", "loser"}),
        ({"q": "DONCHIAN"}, {"turtle"}),
        ({"q": "msf"}, {"turtle", "loser"}),
        ({"q": "  turtle "}, {"turtle", "loser"}),
        # % and _ are not wildcards.
        ({"q": "100%"}, {"cross", "failed"}),
        ({"q": "n_c"}, {"cross", "failed"}),
        ({"q": "n%c"}, set()),
        ({"symbol": "msft"}, {"turtle", "loser"}),
        # The whole symbol: A is not in AAPL.
        ({"symbol": "A"}, {"cross"}),
        ({"symbol": "ZZZZ"}, set()),
        ({"kind": "donchian_breakout"}, {"turtle"}),
        ({"status": "failed"}, {"failed"}),
        ({"profitable": "on"}, {"turtle", "cross"}),
        ({"profitable": "on", "symbol": "MSFT"}, {"turtle"}),
        # New York dates: 23:30 UTC is the same date there, 05:30 UTC already the next.
        ({"since": "2026-03-05", "until": "2026-03-05"}, {"turtle", "failed"}),
        ({"since": "2026-03-06", "until": "2026-03-06"}, {"loser"}),
        ({"since": "2026-03-07"}, {"cross"}),
        ({"until": "2026-03-04"}, set()),
    ],
)
def test_filters_select_backtests(
    alices_browser: Client, backtests: dict[str, Backtest], query: dict[str, str], expected: set[str]
) -> None:
    assert set(shown(alices_browser, backtests, **query)) == expected


def test_the_strategy_filter_selects_its_backtests(alices_browser: Client, backtests: dict[str, Backtest]) -> None:
    strategy = backtests["cross"].strategy_id
    assert set(shown(alices_browser, backtests, strategy=strategy)) == {"cross", "failed"}


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", ["cross", "loser", "failed", "turtle"]),
        ("created", ["failed", "turtle", "loser", "cross"]),
        ("-sharpe", ["cross", "turtle", "loser", "failed"]),
        ("sharpe", ["loser", "turtle", "cross", "failed"]),
        ("nonsense", ["cross", "loser", "failed", "turtle"]),
    ],
)
def test_the_list_is_sorted(
    alices_browser: Client, backtests: dict[str, Backtest], sort: str, expected: list[str]
) -> None:
    """Equal figures sort by latest first; backtests without the figure come last."""
    assert shown(alices_browser, backtests, sort=sort) == expected


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.key)
def test_every_column_sorts_both_ways(alices_browser: Client, backtests: dict[str, Backtest], column: Any) -> None:
    for sort, order in ((column.key, "ascending"), (f"-{column.key}", "descending")):
        answer = alices_browser.get(LIST, {"sort": sort})
        assert answer.content.decode().count(f'aria-sort="{order}"') == 1
        assert len(re.findall(r'<tr id="backtest-', answer.content.decode())) == 4


def test_an_invalid_filter_shows_its_error_and_the_others_apply(
    alices_browser: Client, backtests: dict[str, Backtest], bob: User
) -> None:
    foreign = make_strategy(user=bob)
    for name, value, message in (
        ("symbol", "no symbol!", "is not a symbol"),
        ("strategy", foreign.pk, "Select one of your strategies."),
        ("strategy", "9" * 40, "Select one of your strategies."),
        ("strategy", "x", "Select one of your strategies."),
        ("kind", "magic", "Select a valid choice"),
        ("status", "odd", "Select a valid choice"),
        ("since", "05.03.2026", "Enter a date such as 2012-03-05."),
        ("since", "0001-01-01", "Enter a date between"),
        ("until", "9999-12-31", "Enter a date between"),
        ("q", "x" * 101, "at most 100 characters"),
        ("q", "\x00", "Null characters"),
    ):
        answer = alices_browser.get(LIST, {"profitable": "on", name: value})
        assert answer.status_code == 200
        error = re.search(rf'id="filter_{name}_error"><li>(.*?)</li>', answer.content.decode())
        assert error, name
        assert message in unescape(error[1])
    assert set(shown(alices_browser, backtests, profitable="on", symbol="!")) == {"turtle", "cross"}


@pytest.mark.parametrize("page", ["0", "-1", "9" * 40, "x"])
def test_an_invalid_page_number_shows_an_existing_page(
    alices_browser: Client, backtests: dict[str, Backtest], page: str
) -> None:
    assert len(shown(alices_browser, backtests, page=page)) == 4


def test_paging_sorting_and_polling_keep_the_filters(alices_browser: Client, alice: User) -> None:
    for _ in range(PAGE_SIZE + 1):
        make_backtest(user=alice)
    query = {"status": "completed", "sort": "-sharpe"}
    for headers in ({}, HTMX):
        html = alices_browser.get(LIST, query, headers=headers).content.decode()
        assert 'hx-get="/dashboard/backtests?status=completed&amp;sort=-sharpe"' in html
        assert "?status=completed&amp;sort=-sharpe&amp;page=2" in html
        assert "?status=completed&amp;sort=-total_return" in html
        assert '<input type="hidden" name="sort" value="-sharpe"' in html


def test_filters_without_a_match_stay_on_the_page(alices_browser: Client, backtests: dict[str, Backtest]) -> None:
    page = alices_browser.get(LIST, {"q": "no such name"})
    assert has_id(page, "filters")
    assert not has_id(page, "selected")


def test_bobs_list_never_shows_alices_backtests(bobs_browser: Client, backtests: dict[str, Backtest]) -> None:
    for query in ({}, {"q": "turtle"}, {"strategy": backtests["cross"].strategy_id}, {"symbol": "MSFT"}):
        assert shown(bobs_browser, backtests, **query) == []


def test_pages_and_fragments_are_cached_separately(alices_browser: Client, backtests: dict[str, Backtest]) -> None:
    assert "HX-Request" in alices_browser.get(LIST, headers=HTMX)["Vary"]
    assert "HX-Request" in alices_browser.get(f"{LIST}/{backtests['failed'].pk}")["Vary"]
