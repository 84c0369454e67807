"""Trades and open positions, on the trades page and on the home page."""

import html
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client

from livetrading.views.trades import TRADES
from tests.livetrading.factories import (
    NOW,
    TODAY,
    WALL,
    at_day,
    bars_closing_at,
    closed,
    make_live_strategy,
    make_paper_trade,
    report_figures,
)
from tests.livetrading.pipeline.desk import put_bars
from tests.livetrading.reading import HOME, LIVE, POSITIONS, TRADE_LIST, detail_of, text_of
from tradedesk.accounts.models import User
from tradedesk.marketdata.services import load_samples
from tradedesk.marketdata.sessions import daily_time


@pytest.fixture(autouse=True)
def _market(db: None) -> None:
    load_samples(WALL)
    at_day(TODAY)


def test_daily_trades_are_grouped_by_day_without_times(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice, name="Turtle")
    monday, friday = daily_time(TODAY), daily_time(date(2010, 3, 5))
    stopped = {"exit_reason": "stop_loss", "commission": Decimal(2)}
    make_paper_trade(user=alice, live_strategy=live, **closed(friday, exit_price=27, **stopped))
    make_paper_trade(user=alice, symbol="IBM", **closed(monday, exit_price=36))
    page = text_of(alices_browser, TRADE_LIST)
    first = page.index("Mon 2010-03-08 1 trade +$60.00 —")
    second = page.index("Fri 2010-03-05 1 trade −$30.00 —")
    assert first < second
    assert "IBM 10 30.00 → 36.00 +$60.00 +20.00% +2.00 Manual Signal 5 sessions" in page
    assert "AAPL 10 30.00 → 27.00 −$30.00 −10.00% −1.00 Turtle Stop loss 4 sessions" in page
    assert "00:00" not in page


def test_an_intraday_trade_shows_its_time(alices_browser: Client, alice: User) -> None:
    make_paper_trade(user=alice, timeframe="5Min", **closed(NOW - timedelta(minutes=30)))
    page = text_of(alices_browser, TRADE_LIST)
    assert "Mon 2010-03-08" in page
    assert "AAPL 15:30" in page


def test_positions_with_their_lots_and_totals(alices_browser: Client, alice: User) -> None:
    put_bars({"AAPL": bars_closing_at(27, 28), "IBM": bars_closing_at(110, 105)})
    turtle = make_live_strategy(user=alice, name="Turtle")
    make_paper_trade(user=alice, live_strategy=turtle, entry_price=Decimal(20), stop_price=Decimal(18))
    make_paper_trade(user=alice, quantity=Decimal(5), entry_price=Decimal(26))
    make_paper_trade(user=alice, symbol="IBM", entry_price=Decimal(100), commission=Decimal(1), pnl=Decimal(-1))
    report_figures(alice, equity=100_139, cash=98_669)
    page = text_of(alices_browser, POSITIONS)
    for text in (
        "AAPL 2 lots 15 22.00 28.00 +$90.00 +27.27%",
        "AAPL 10 20.00 28.00 +$80.00 +40.00% +4.00 18.00 — Nothing now Turtle 2010-03-01",
        "AAPL 5 26.00 28.00 +$10.00 +7.69%",
        "Closed 0 0 won Open 3",
        "Realized −$1.00",
        "Unrealized +$140.00",
        "P&amp;L total +$139.00",
        "Commission $1.00",
        "Cash $98,669.00",
        "Equity $100,139.00",
    ):
        assert text in page


def test_the_home_page_lists_the_largest_lots_and_sums_all(alices_browser: Client, alice: User) -> None:
    put_bars({"AAPL": bars_closing_at(27, 28), "IBM": bars_closing_at(110, 105)})
    live = make_live_strategy(user=alice, name="Turtle")
    for symbol, entry in (("AAPL", 20), ("AAPL", 26), ("IBM", 100)):
        make_paper_trade(user=alice, live_strategy=live, symbol=symbol, entry_price=Decimal(entry))
    page = text_of(alices_browser, HOME)
    rows = (
        "IBM Turtle 10 100.00 105.00 $1,050.00 +$50.00 +5.00%",
        "AAPL Turtle 10 20.00 28.00 $280.00 +$80.00 +40.00%",
        "AAPL Turtle 10 26.00 28.00 $280.00 +$20.00 +7.69%",
        "Total $1,610.00 +$150.00",
    )
    places = [page.index(row) for row in rows]
    assert places == sorted(places)


def test_a_position_without_prices_has_a_warning(alices_browser: Client, alice: User) -> None:
    make_paper_trade(user=alice, symbol="NOBARS")
    page = alices_browser.get(TRADE_LIST).content.decode()
    warning = page[page.index('class="notice notice-warning"') :]
    assert "NOBARS" in warning[: warning.index("</p>")]


def test_trades_are_paginated(alices_browser: Client, alice: User) -> None:
    for _ in range(TRADES + 1):
        make_paper_trade(user=alice, **closed(daily_time(TODAY)))
    page = alices_browser.get(TRADE_LIST).content.decode()
    assert page.count('<tr id="trade-') == TRADES
    assert f"{TRADES + 1} trades" in page
    (following,) = re.findall(r'rel="next"\s+href="([^"]*)"', page)
    last = alices_browser.get(f"/trades{html.unescape(following)}").content.decode()
    assert last.count('<tr id="trade-') == 1
    assert f"{TRADES + 1} trades" in last, "the figures of the day are of all its trades"
    assert 'rel="next"' not in last


def test_the_modes_have_separate_trades(alices_browser: Client, alice: User) -> None:
    make_paper_trade(user=alice, **closed(NOW))
    live = text_of(alices_browser, "/trades?mode=live")
    assert "Cash — Equity —" in live
    assert "AAPL" not in live
    assert "AAPL" in text_of(alices_browser, "/trades")
    alice.mode = "live"
    alice.save()
    assert "AAPL" not in text_of(alices_browser, "/trades")


@pytest.mark.parametrize("url", ["/trades", "/trades.csv"])
def test_an_unknown_mode_is_a_bad_request(alices_browser: Client, url: str) -> None:
    assert alices_browser.get(url, {"mode": "both"}).status_code == 400


@pytest.mark.parametrize("page", ["0", "-1", "999999999999999999999", "x", "1.5"])
def test_an_invalid_page_number_shows_an_existing_page(alices_browser: Client, alice: User, page: str) -> None:
    live = make_live_strategy(user=alice)
    for url in (LIVE, "/trades", detail_of(live)):
        assert alices_browser.get(url, {"page": page}).status_code == 200
