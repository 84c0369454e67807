"""Trades by market day, on pages and as a CSV file."""

import csv
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from livetrading.models import PaperTrade
from livetrading.summaries.trades import by_day, latest_trades
from tests.livetrading.factories import NOW, TODAY, closed, make_live_strategy, make_paper_trade
from tests.livetrading.reading import text_of
from tradedesk.accounts.models import User
from tradedesk.marketdata.quotes import market_day
from tradedesk.marketdata.sessions import daily_time

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2012-03-06T04:59:59+00:00", date(2012, 3, 5)),
        ("2012-03-06T05:00:00+00:00", date(2012, 3, 6)),
        # Summer time: New York is four hours behind.
        ("2012-07-06T03:59:59+00:00", date(2012, 7, 5)),
        ("2012-07-06T04:00:00+00:00", date(2012, 7, 6)),
        # The same time in Tokyo's zone.
        ("2012-03-06T13:59:59+09:00", date(2012, 3, 5)),
    ],
)
def test_a_trade_is_grouped_by_its_date_in_new_york(alice: User, moment: str, day: date) -> None:
    make_paper_trade(user=alice, **closed(datetime.fromisoformat(moment)))
    trades = latest_trades(alice, "paper")
    (group,) = by_day(trades, trades)
    assert (group.day, group.realized, group.closed, group.opened) == (day, Decimal(30), 1, 0)


@given(st.builds(datetime.fromtimestamp, st.integers(946_684_800, 1_893_456_000), st.timezones()))
def test_a_market_day_starts_at_its_daily_time(moment: datetime) -> None:
    day = market_day(moment)
    assert daily_time(day) <= moment < daily_time(day + timedelta(days=1))


def test_the_newest_day_is_first_and_an_open_trade_has_the_day_of_its_entry(alice: User) -> None:
    opened = make_paper_trade(user=alice, entry_time=daily_time(date(2010, 3, 4)))
    first = make_paper_trade(user=alice, **closed(daily_time(date(2010, 3, 3))))
    last = make_paper_trade(user=alice, **closed(daily_time(date(2010, 3, 5)), exit_price=20))
    trades = latest_trades(alice, "paper")
    days = by_day(trades, trades)
    assert [(group.day, group.trades) for group in days] == [
        (date(2010, 3, 5), [last]),
        (date(2010, 3, 4), [opened]),
        (date(2010, 3, 3), [first]),
    ]
    assert [(group.realized, group.closed, group.opened) for group in days] == [
        (Decimal(-100), 1, 0),
        (Decimal(0), 0, 1),
        (Decimal(30), 1, 0),
    ]


def test_the_figures_of_a_day_include_its_trades_on_other_pages(alice: User) -> None:
    for exit_price in (31, 32, 33):
        make_paper_trade(user=alice, **closed(daily_time(TODAY), exit_price=exit_price))
    trades = latest_trades(alice, "paper")
    for page in (trades[:2], trades[2:]):
        (group,) = by_day(page, trades)
        assert (group.realized, group.closed) == (Decimal(60), 3)


def test_without_trades_there_are_no_days(alice: User) -> None:
    trades = latest_trades(alice, "paper")
    assert by_day(trades, trades) == []


def rows(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(response.getvalue().decode())))


def test_the_file_has_every_trade_of_the_mode(alices_browser: Client, alice: User, bob: User) -> None:
    live = make_live_strategy(user=alice, name="Turtle")
    make_paper_trade(user=alice, live_strategy=live, **closed(NOW, exit_price=28.5, commission=Decimal(2)))
    make_paper_trade(user=alice, symbol="IBM", entry_time=NOW - timedelta(days=9))
    make_paper_trade(user=bob)
    response = alices_browser.get("/trades.csv", {"mode": "paper"})
    assert response.headers["Content-Disposition"] == 'attachment; filename="trades-paper.csv"'
    sold, held = rows(response)
    assert sold == {
        "trade_time": "2010-03-08",
        "symbol": "AAPL",
        "side": "long",
        "shares": "10",
        "entry_time": "2010-03-01",
        "entry_price": "30.000000",
        "exit_time": "2010-03-08",
        "exit_price": "28.500000",
        "pnl": "-15.000000",
        "return_pct": "-5.0",
        "outcome": "loss",
        "r_multiple": "-0.5",
        "equity": "",
        "strategy": "Turtle",
        "commission": "2.000000",
    }
    assert (held["symbol"], held["strategy"], held["exit_time"], held["exit_price"]) == ("IBM", "", "", "")
    assert rows(alices_browser.get("/trades.csv", {"mode": "live"})) == []


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@A1"])
def test_a_name_cannot_be_a_spreadsheet_formula(alices_browser: Client, alice: User, name: str) -> None:
    make_paper_trade(user=alice, live_strategy=make_live_strategy(user=alice, name=name))
    (row,) = rows(alices_browser.get("/trades.csv"))
    assert row["strategy"] == f"'{name}"
    assert PaperTrade.objects.get().live_strategy.name == name  # type: ignore[union-attr]


def test_a_closed_trade_without_a_stop_says_why_it_has_no_r(alices_browser: Client, alice: User) -> None:
    """On the page and in the API; an open one says nothing yet. The file has no column for it."""
    without: dict[str, Any] = {"stop_price": None, "initial_stop_price": None}
    make_paper_trade(user=alice, symbol="IBM", **without, **closed(daily_time(TODAY)))
    make_paper_trade(user=alice, symbol="MSFT", initial_stop_price=Decimal(30), **closed(daily_time(TODAY)))
    make_paper_trade(user=alice, symbol="AAPL", **without)
    reasons = {"IBM": "no stop", "MSFT": "stop not below the entry", "AAPL": ""}
    assert {row["r_multiple"] for row in rows(alices_browser.get("/trades.csv"))} == {""}
    answer = alices_browser.get("/api/paper/trades").json()["items"]
    assert {row["symbol"]: row["no_r_reason"] or "" for row in answer} == reasons
    assert "no stop" in text_of(alices_browser, "/trades?mode=paper")
