"""The list of backtests, narrowed and sorted."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from backtests.lists.listing import COLUMNS, PAGE_SIZE
from backtests.models import Backtest
from tests.backtests.pages import HTMX, LIST, text_of
from tests.livetrading.factories import make_backtest, make_strategy
from tradedesk.accounts.models import User


@pytest.fixture
def backtests(alice: User) -> dict[str, Backtest]:
    """Four of Alice's that differ in everything the list is narrowed by."""
    turtle, cross = make_strategy(user=alice, name="Turtle"), make_strategy(user=alice, name="Golden_cross 100%")
    gained, lost = (
        {"total_return": 12.5, "sharpe": 0.8},
        {"total_return": -4.0, "sharpe": -0.1},
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
    """Which of them the page shows, in its order."""
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
        # No wildcards of the database: the characters themselves.
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
        # New York days: half past eleven at night in UTC is still the same day there, and six hours later as well.
        ({"since": "2026-03-05", "until": "2026-03-05"}, {"turtle", "failed"}),
        ({"since": "2026-03-06", "until": "2026-03-06"}, {"loser"}),
        ({"since": "2026-03-07"}, {"cross"}),
        ({"until": "2026-03-04"}, set()),
    ],
)
def test_the_list_is_narrowed(
    alices_browser: Client, backtests: dict[str, Backtest], query: dict[str, str], expected: set[str]
) -> None:
    assert set(shown(alices_browser, backtests, **query)) == expected


def test_the_list_is_narrowed_to_a_strategy(alices_browser: Client, backtests: dict[str, Backtest]) -> None:
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
    """Of equals the latest stands first; what has no figure stands last."""
    assert shown(alices_browser, backtests, sort=sort) == expected


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.key)
def test_every_column_sorts_both_ways(alices_browser: Client, backtests: dict[str, Backtest], column: Any) -> None:
    for sort, order in ((column.key, "ascending"), (f"-{column.key}", "descending")):
        answer = alices_browser.get(LIST, {"sort": sort})
        assert answer.content.decode().count(f'aria-sort="{order}"') == 1
        assert len(re.findall(r'<tr id="backtest-', answer.content.decode())) == 4


def test_a_refused_filter_says_so_at_its_field_and_the_others_hold(
    alices_browser: Client, backtests: dict[str, Backtest], bob: User
) -> None:
    foreign = make_strategy(user=bob)
    for name, value, words in (
        ("symbol", "no symbol!", "is not a symbol"),
        ("strategy", foreign.pk, "Choose one of your strategies."),
        ("strategy", "9" * 40, "Choose one of your strategies."),
        ("strategy", "x", "Choose one of your strategies."),
        ("kind", "magic", "Select a valid choice"),
        ("status", "odd", "Select a valid choice"),
        ("since", "05.03.2026", "Enter a date as 2012-03-05."),
        ("since", "0001-01-01", "Choose a date between"),
        ("until", "9999-12-31", "Choose a date between"),
        ("q", "x" * 101, "at most 100 characters"),
        ("q", "\x00", "Null characters"),
    ):
        answer = alices_browser.get(LIST, {"profitable": "on", name: value})
        assert answer.status_code == 200
        error = re.search(rf'id="filter_{name}_error"><li>(.*?)</li>', answer.content.decode())
        assert error, name
        assert words in unescape(error[1])
    assert set(shown(alices_browser, backtests, profitable="on", symbol="!")) == {"turtle", "cross"}


@pytest.mark.parametrize("page", ["0", "-1", "9" * 40, "x"])
def test_a_page_that_does_not_exist_is_another_that_does(
    alices_browser: Client, backtests: dict[str, Backtest], page: str
) -> None:
    assert len(shown(alices_browser, backtests, page=page)) == 4


def test_pages_sorting_and_refreshing_keep_what_was_asked_for(alices_browser: Client, alice: User) -> None:
    for _ in range(PAGE_SIZE + 1):
        make_backtest(user=alice)
    query = {"status": "completed", "sort": "-sharpe"}
    for headers in ({}, HTMX):
        html = alices_browser.get(LIST, query, headers=headers).content.decode()
        assert 'hx-get="/dashboard/backtests?status=completed&amp;sort=-sharpe"' in html
        assert "?status=completed&amp;sort=-sharpe&amp;page=2" in html
        assert "?status=completed&amp;sort=-total_return" in html
        assert '<input type="hidden" name="sort" value="-sharpe"' in html


def test_nothing_found_is_told_apart_from_nothing_there(
    alices_browser: Client, backtests: dict[str, Backtest]
) -> None:
    found = text_of(alices_browser.get(LIST, {"q": "nothing like it"}))
    assert "No backtest is like that" in found
    assert "No backtests yet" not in found
    assert 'name="q"' in alices_browser.get(LIST, {"q": "nothing like it"}).content.decode()


def test_bobs_list_has_none_of_alices_whatever_he_asks_for(
    bobs_browser: Client, backtests: dict[str, Backtest]
) -> None:
    for query in ({}, {"q": "turtle"}, {"strategy": backtests["cross"].strategy_id}, {"symbol": "MSFT"}):
        assert shown(bobs_browser, backtests, **query) == []


def test_the_browser_keeps_page_and_fragment_apart(alices_browser: Client, backtests: dict[str, Backtest]) -> None:
    assert "HX-Request" in alices_browser.get(LIST, headers=HTMX)["Vary"]
    assert "HX-Request" in alices_browser.get(f"{LIST}/{backtests['failed'].pk}")["Vary"]
