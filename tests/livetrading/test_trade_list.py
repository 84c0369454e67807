"""The filters, the orders and the pages of the list of trades, and the file of them."""

import csv
import re
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext

from livetrading.models import AccountDay, PaperTrade
from livetrading.summaries.closed_trades import TradeFilter, closed_trades
from livetrading.summaries.trade_list import NEWEST, SORTS, count_up_to, filter_trades, in_order, trade_page
from livetrading.summaries.trades import latest_trades
from tests.livetrading.factories import (
    TODAY,
    WALL,
    at_day,
    closed,
    make_backtest,
    make_live_strategy,
    make_paper_trade,
    report_figures,
)
from tests.livetrading.reading import text_of
from tradedesk.accounts.models import User
from tradedesk.marketdata.services import load_samples
from tradedesk.marketdata.sessions import daily_time

FRIDAY = date(2010, 3, 5)


@pytest.fixture
def trades(alice: User) -> list[PaperTrade]:
    """Six trades on two days, with equal symbols, times and results among them."""
    made = [
        make_paper_trade(user=alice, symbol=symbol, **closed(daily_time(day), exit_price=price))
        for symbol, day, price in (
            ("AAPL", TODAY, 33),
            ("IBM", TODAY, 30),
            ("AAPL", FRIDAY, 27),
            ("AAPL", FRIDAY, 33),
            ("IBM", FRIDAY, 36),
        )
    ]
    return [*made, make_paper_trade(user=alice, symbol="AAPL", entry_time=daily_time(FRIDAY))]


def pages(user: User, sort: str, size: int) -> list[int]:
    """The ids of all pages, one after the other."""
    found, after = list[int](), ""
    for _ in range(20):
        page = trade_page(latest_trades(user, "paper"), sort, after, size)
        found += [trade.pk for trade in page.trades]
        if not page.older:
            return found
        after = page.older
    raise AssertionError("The pages do not end.")


@pytest.mark.parametrize("sort", SORTS)
def test_the_pages_have_each_trade_once_in_its_order(alice: User, trades: list[PaperTrade], sort: str) -> None:
    expected = [trade.pk for trade in in_order(latest_trades(alice, "paper"), sort)]
    assert sorted(expected) == sorted(trade.pk for trade in trades)
    for size in (1, 2, 4, 6, 7):
        assert pages(alice, sort, size) == expected


def test_the_orders_sort_by_their_column(alice: User, trades: list[PaperTrade]) -> None:
    def first(sort: str) -> PaperTrade:
        return trade_page(latest_trades(alice, "paper"), sort, "", 1).trades[0]  # type: ignore[no-any-return]

    assert (first("-time"), first("time")) == (trades[1], trades[2])
    assert (first("-pnl"), first("pnl")) == (trades[4], trades[2])
    assert (first("symbol"), first("-symbol")) == (trades[0], trades[4])


@pytest.mark.parametrize(
    "after",
    [
        *(
            "x",
            "~",
            "2010-03-08~1",
            "2010-03-08T00:00:00+00:00~-1",
            f"2010-03-08T00:00:00+00:00~{10**30}",
            "\x00~1",
        ),
        *("0001-01-01T00:00:00+00:00~1", "2010-03-08T00:00:00+00:00~1~1", "9999-12-31T23:59:59+00:00~1"),
    ],
)
def test_a_cursor_that_is_none_shows_the_first_page(alice: User, trades: list[PaperTrade], after: str) -> None:
    assert len(trade_page(latest_trades(alice, "paper"), NEWEST, after, 6).trades) == 6
    for sort in ("pnl", "symbol"):
        assert len(trade_page(latest_trades(alice, "paper"), sort, after.replace("2010", "NaN"), 6).trades) == 6


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"symbol": "IBM"}, {1, 4}),
        ({"result": "win"}, {0, 3, 4}),
        ({"result": "loss"}, {2}),
        ({"result": "breakeven"}, {1}),
        ({"result": "open"}, {5}),
        ({"since": TODAY}, {0, 1}),
        ({"until": FRIDAY}, {2, 3, 4, 5}),
        ({"since": FRIDAY, "until": FRIDAY, "symbol": "AAPL", "result": "win"}, {3}),
        ({"side": "long"}, {0, 1, 2, 3, 4, 5}),
        ({"side": "short"}, set()),
        ({"strategy_id": 0}, set()),
    ],
)
def test_every_filter_applies(
    alice: User, trades: list[PaperTrade], filters: dict[str, Any], expected: set[int]
) -> None:
    found = filter_trades(latest_trades(alice, "paper"), **filters)
    assert {trades.index(trade) for trade in found} == expected
    assert count_up_to(found) == len(expected)


def test_a_count_stops_at_its_limit(alice: User, trades: list[PaperTrade]) -> None:
    found = latest_trades(alice, "paper")
    assert [count_up_to(found, most) for most in (3, 5, 6, 9)] == [4, 6, 6, 6]


@pytest.mark.parametrize(
    ("sort", "filters", "index"),
    [
        ("-time", {}, "latest"),
        ("time", {}, "latest"),
        ("-pnl", {}, "pnl"),
        ("symbol", {}, "symbol"),
        # Which of the two depends on what the planner knows of how many of the trades are the filter's.
        ("-time", {"symbol": "AAPL"}, "(symbol|latest)"),
        ("-time", {"strategy_id": 7}, "(strategy|latest)"),
    ],
)
def test_a_page_is_read_from_an_index(
    alice: User, trades: list[PaperTrade], sort: str, filters: dict[str, Any], index: str
) -> None:
    assert_is_read_from(in_order(filter_trades(latest_trades(alice, "paper"), **filters), sort)[:50], index)


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (TradeFilter(), "latest"),
        (TradeFilter(since=FRIDAY, until=FRIDAY), "latest"),
        (TradeFilter(symbol="AAPL"), "(symbol|latest)"),
    ],
)
def test_the_analysis_is_read_from_an_index(
    alice: User, trades: list[PaperTrade], wanted: TradeFilter, index: str
) -> None:
    assert_is_read_from(closed_trades(alice, "paper", wanted).order_by("-event_time", "-pk")[:50], index)


def assert_is_read_from(found: QuerySet[Any], index: str) -> None:
    """As SQLite and PostgreSQL plan it for a large table: no sort, no scan of the table."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # it scans a table of one page whatever the indexes
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
    plan = found.explain()
    assert re.search(f"papertrade_{index}", plan)
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_the_queries_of_the_page_do_not_grow(alices_browser: Client, alice: User) -> None:
    load_samples(WALL)
    at_day(TODAY)
    counts = []
    for number in (4, 60):
        for days in range(number):
            live = make_live_strategy(user=alice)
            make_paper_trade(user=alice, live_strategy=live, **closed(daily_time(TODAY - timedelta(days=days))))
            make_paper_trade(user=alice, live_strategy=live)
        urls = [f"/trades?tab={tab}&sort={sort}" for tab in ("trading", "positions") for sort in ("", "pnl")]
        with CaptureQueriesContext(connection) as queries:
            for url in urls:
                assert alices_browser.get(url, headers={"HX-Request": "true"}).status_code == 200
            assert alices_browser.get("/trades.csv").getvalue().count(b"\n") > number
        counts.append(len(queries))
    assert counts[0] == counts[1]


def rows(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(response.getvalue().decode())))


def test_the_file_has_what_the_filter_shows_in_its_order(
    alices_browser: Client, alice: User, trades: list[PaperTrade]
) -> None:
    found = rows(alices_browser.get("/trades.csv?symbol=aapl&until=2010-03-05&sort=pnl&after=x&page=2"))
    assert [(row["symbol"], row["pnl"], row["outcome"]) for row in found] == [
        ("AAPL", "-30.000000", "loss"),
        ("AAPL", "", "open"),
        ("AAPL", "30.000000", "win"),
    ]


def test_an_open_trade_in_the_file_is_valued_at_the_last_close(alices_browser: Client, alice: User) -> None:
    load_samples(WALL)
    at_day(TODAY)
    trade = make_paper_trade(user=alice)
    (row,) = rows(alices_browser.get("/trades.csv"))
    assert row["trade_time"] == "2010-03-01"
    assert float(row["pnl"]) == pytest.approx(float(row["return_pct"]) * 3)
    assert float(row["r_multiple"]) == pytest.approx(float(row["pnl"]) / 30)
    assert row["exit_time"] == row["exit_price"] == ""
    assert trade.outcome == row["outcome"] == "open"


def test_the_file_has_the_equity_at_the_end_of_the_day(
    alices_browser: Client, alice: User, trades: list[PaperTrade]
) -> None:
    account = report_figures(alice, equity=100_500, cash=90_000)
    AccountDay.objects.create(account=account, day=FRIDAY, start=Decimal(100_000), equity=Decimal(100_100))
    account.equity_day, account.day_start_equity = TODAY, Decimal(100_100)
    account.save()
    found = {row["trade_time"]: row["equity"] for row in rows(alices_browser.get("/trades.csv"))}
    assert found == {"2010-03-08": "100500.000000", "2010-03-05": "100100.000000"}


def test_a_day_says_what_its_trades_and_the_account_did(
    alices_browser: Client, alice: User, trades: list[PaperTrade]
) -> None:
    load_samples(WALL)
    at_day(TODAY)
    account = report_figures(alice, equity=100_500, cash=90_000)
    AccountDay.objects.create(account=account, day=FRIDAY, start=Decimal(100_000), equity=Decimal(99_000))
    page = text_of(alices_browser, "/trades?mode=paper")
    assert "Mon 2010-03-08 2 trades +$30.00" in page
    assert "Fri 2010-03-05 4 trades, 1 open +$60.00" in page
    assert "Account that day −1.00% −$1,000.00" in page
    assert "Closed 5 3 won Open 1" in page


def test_a_wrong_filter_says_so_and_the_others_apply(
    alices_browser: Client, alice: User, trades: list[PaperTrade]
) -> None:
    page = text_of(alices_browser, "/trades?symbol=no+symbol&since=never&strategy=9999&result=maybe&side=up")
    assert page.count("Select") + page.count("Enter a date") + page.count("is not a symbol") >= 4
    assert "IBM" in text_of(alices_browser, "/trades?symbol=IBM&since=9999-99-99")
    assert "No trades match" in text_of(alices_browser, "/trades?symbol=IBM&result=loss")
    assert "No short trades" in text_of(alices_browser, "/trades?side=short")


def test_a_strategy_of_another_user_is_no_filter(alices_browser: Client, bob: User) -> None:
    live = make_live_strategy(user=bob, name="Bob's own")
    page = text_of(alices_browser, f"/trades?strategy={live.pk}")
    assert "Bob" not in page
    assert "Select one of your live strategies." in page


def test_results_of_backtests_belong_to_paper(alices_browser: Client, alice: User) -> None:
    backtest = make_backtest(user=alice)
    page = alices_browser.get("/trades?mode=paper&tab=backtests").content.decode()
    assert f'href="/dashboard/backtests/{backtest.pk}"' in page
    live = text_of(alices_browser, "/trades?mode=live&tab=backtests")
    assert "Backtest results" not in live
