"""Dashboard, live trading, one live strategy and trades, as their reader sees them."""

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from livetrading.models import LiveStrategy, SignalHistory
from livetrading.views.dashboard import ROWS, STRATEGIES
from livetrading.views.trades import TRADES
from tests.livetrading.factories import (
    NOW,
    TODAY,
    WALL,
    at_day,
    bars_closing_at,
    closed,
    make_backtest,
    make_live_strategy,
    make_order,
    make_paper_trade,
    make_signal,
    make_strategy,
    watched_desk,
)
from tests.livetrading.pipeline.desk import put_bars
from tradedesk.accounts.models import User
from tradedesk.accounts.services import notify
from tradedesk.marketdata.services import load_samples
from tradedesk.marketdata.sessions import daily_time

HOME, LIVE, TRADE_LIST = "/dashboard", "/dashboard/live-trading", "/trades?mode=paper"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _market(db: None) -> None:
    load_samples(WALL)
    at_day(TODAY)


def text_of(browser: Client, url: str) -> str:
    """What the page says, without its tags."""
    answer = browser.get(url)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())


def detail_of(live: LiveStrategy) -> str:
    return f"{LIVE}/{live.pk}"


# --- All live pages --------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [HOME, LIVE, TRADE_LIST, f"{LIVE}/{{pk}}", f"{LIVE}/{{pk}}?show=trades"])
def test_htmx_gets_the_live_region_alone(alices_browser: Client, alice: User, url: str) -> None:
    url = url.format(pk=make_live_strategy(user=alice).pk)
    page = alices_browser.get(url).content.decode()
    answer = alices_browser.get(url, headers=HTMX)
    region = answer.content.decode().strip()
    assert answer.headers["Vary"].startswith("HX-Request")
    assert "<html" in page
    assert "<html" not in region
    opening = region[: region.index(">") + 1]
    # Whole and alone: the same region, which asks for itself again.
    assert opening in page
    assert f'hx-get="{url}"' in opening
    assert 'hx-trigger="every 5s, sse:changed"' in opening
    assert region.count("<div") == region.count("</div")


@pytest.mark.parametrize("url", [HOME, LIVE, TRADE_LIST])
def test_the_queries_do_not_grow_with_the_rows(
    alices_browser: Client, bobs_browser: Client, alice: User, bob: User, url: str
) -> None:
    watched_desk(alice, 4)
    watched_desk(bob, STRATEGIES)
    counts = []
    for browser in (alices_browser, bobs_browser):
        browser.get(url)
        with CaptureQueriesContext(connection) as queries:
            browser.get(url)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("show", ["signals", "orders", "trades"])
def test_the_queries_of_one_strategy_do_not_grow(alices_browser: Client, alice: User, show: str) -> None:
    counts = []
    for rows in (3, 30):
        live = make_live_strategy(user=alice, strategy=make_strategy(user=alice))
        for _ in range(rows):
            signal = make_signal(live_strategy=live)
            make_order(user=alice, live_strategy=live, signal=signal)
            make_paper_trade(user=alice, live_strategy=live)
        with CaptureQueriesContext(connection) as queries:
            alices_browser.get(f"{detail_of(live)}?show={show}")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_names_are_escaped(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice, name="<script>x", last_error="<script>y")
    make_signal(live_strategy=live, explanation="<script>z", reason="<script>r")
    make_paper_trade(user=alice, live_strategy=live)
    for url in (HOME, LIVE, TRADE_LIST, detail_of(live)):
        page = alices_browser.get(url).content.decode()
        assert not re.search(r"<script>[xyzr]", page)


# --- The dashboard ---------------------------------------------------------------------------------------


def test_a_newcomer_is_shown_three_steps(alices_browser: Client, alice: User) -> None:
    page = text_of(alices_browser, HOME)
    assert "Three steps to your first trade" in page
    assert "New strategy" in page
    assert "Done" not in page
    assert "Equity" not in page
    make_backtest(user=alice)
    page = text_of(alices_browser, HOME)
    assert page.count("Done") == 2
    make_live_strategy(user=alice)
    page = text_of(alices_browser, HOME)
    assert "Three steps" not in page
    assert "Equity $100,000.00 $100,000.00 in cash" in page


def test_home_joins_everything(alices_browser: Client, alice: User) -> None:
    watched_desk(alice, 1)
    notify(alice, "info", "Bought 10 AAPL at $30.00", "/trades?mode=paper", NOW)
    page = text_of(alices_browser, HOME)
    for words in (
        "Active strategies 1",
        "Open positions",
        "SMA 10 crossed above SMA 30",
        "+$30.00",
        "+12.50% 0.80 9.10%",
        "Bought 10 AAPL at $30.00",
    ):
        assert words in page


# --- Live trading ----------------------------------------------------------------------------------------


def test_the_empty_page_says_what_to_do_next(alices_browser: Client) -> None:
    page = text_of(alices_browser, LIVE)
    assert "Nothing is deployed yet" in page
    assert "press Deploy to Live" in page
    assert "Recent signals" not in page


def test_a_strategys_row(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(
        user=alice,
        name="Live - Turtle",
        kind="sma_crossover",
        last_check_at=NOW,
        last_error="No bars yet for IBM.",
        take_profit_pct=0.25,
    )
    make_signal(
        live_strategy=live,
        symbol="MSFT",
        side="sell",
        bar_time=daily_time(TODAY),
        explanation="SMA 10 crossed below SMA 30",
    )
    put_bars({"AAPL": bars_closing_at(27, 28)})
    make_paper_trade(user=alice, live_strategy=live, entry_price=Decimal(25))
    make_paper_trade(user=alice, live_strategy=live, **closed(daily_time(TODAY), exit_price=25))
    page = text_of(alices_browser, LIVE)
    for words in (
        "Live - Turtle PAPER SMA crossover · fast 10, slow 30 Active",
        "AAPL MSFT 2010-03-08 16:00 No bars yet for IBM.",
        "Sell MSFT 2010-03-08 SMA 10 crossed below SMA 30",
        "1 of 5 +$10.00 -$20.00 2.00% each Stop 10.00% Target 25.00%",
    ):
        assert words in page


def test_a_signal_shows_its_outcome_with_the_reason(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice, name="Turtle")
    make_signal(live_strategy=live, symbol="IBM")
    ordered = make_signal(live_strategy=live, outcome=SignalHistory.Outcome.ORDERED, reason="")
    make_order(
        user=alice,
        live_strategy=live,
        signal=ordered,
        state="blocked",
        reason="Entries are stopped (emergency stop).",
    )
    page = text_of(alices_browser, LIVE)
    assert (
        "2010-03-08 16:00 Turtle IBM Buy 0.75 31.25 SMA 10 crossed above SMA 30 "
        "Refused The limit of 5 open positions is reached." in page
    )
    assert "Blocked Entries are stopped (emergency stop)." in page


def test_working_orders_are_listed_with_their_trigger(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice)
    make_order(user=alice, live_strategy=live, state="pending")
    stop = {"purpose": "stop_loss", "side": "sell", "trigger_price": Decimal("27.5")}
    make_order(user=alice, live_strategy=live, state="accepted", **stop)
    make_order(user=alice, live_strategy=live, state="filled", symbol="GONE")
    page = text_of(alices_browser, LIVE)
    assert "AAPL Buy Entry 10 — Pending" in page
    assert "AAPL Sell Stop loss 10 27.50 Accepted" in page
    assert "GONE" not in page


def test_many_strategies_are_paged(alices_browser: Client, alice: User) -> None:
    for _ in range(STRATEGIES + 1):
        make_live_strategy(user=alice)
    oldest = alice.live_strategies.earliest("pk").name
    assert f">{oldest}</a>" not in alices_browser.get(LIVE).content.decode()
    second = alices_browser.get(f"{LIVE}?page=2").content.decode()
    assert f">{oldest}</a>" in second
    # The region of the second page goes on asking for the second page.
    assert f'hx-get="{LIVE}?page=2"' in second


# --- One live strategy -----------------------------------------------------------------------------------


def test_one_strategy_shows_snapshot_limits_and_provenance(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(
        user=alice,
        strategy=make_strategy(user=alice, name="Golden cross"),
        provenance={
            "version": "0.1.0",
            "kind_code": "c0dec0de",
            "data": {"AAPL": {"provider": "sample", "fingerprint": "f" * 64}},
        },
        daily_loss_limit=Decimal(500),
    )
    page = text_of(alices_browser, detail_of(live))
    for words in (
        "SMA crossover · fast 10, slow 30 · AAPL, MSFT · 1Day",
        "Position size 2.00%",
        "Daily loss limit $500.00",
        "Take profit Off",
        "Fractional shares No",
        "From Golden cross",
        "Strategy code c0dec0de",
        f"AAPL bars sample {'f' * 12}",
        "Orders are placed automatically",
    ):
        assert words in page
    assert "Differs" not in page


def test_a_deployment_of_a_backtest_shows_where_it_differs(alices_browser: Client, alice: User) -> None:
    backtest = make_backtest(user=alice)
    live = make_live_strategy(user=alice, backtest=backtest)
    page = text_of(alices_browser, detail_of(live))
    assert f"Rule Deployed Backtest {backtest.pk}" in page
    assert "Position size 2.00% Differs 47.50%" in page
    assert "Stop loss 10.00% 10.00%" in page


def test_the_three_lists_of_one_strategy(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice)
    make_signal(live_strategy=live, explanation="A signal of its own")
    make_order(user=alice, live_strategy=live, state="rejected", reason="An order of its own")
    make_paper_trade(user=alice, live_strategy=live, symbol="ITSOWN", **closed(NOW))
    other = make_live_strategy(user=alice)
    make_signal(live_strategy=other, explanation="Of another")
    make_order(user=alice, live_strategy=other, reason="Of another")
    make_paper_trade(user=alice, live_strategy=other, symbol="OTHER", **closed(NOW))
    lists = {"signals": "A signal of its own", "orders": "Rejected An order of its own", "trades": "ITSOWN"}
    for show, words in lists.items():
        page = text_of(alices_browser, f"{detail_of(live)}?show={show}")
        assert words in page
        assert "Of another" not in page
        assert "OTHER" not in page
        # The filled order that opened the trade is the second.
        assert "Signals 1 Orders 2 Trades 1" in page
    assert "Mon, 2010-03-08 1 closed +$30.00" in text_of(alices_browser, f"{detail_of(live)}?show=trades")
    assert "A signal of its own" in text_of(alices_browser, f"{detail_of(live)}?show=nonsense")


def test_a_long_history_is_paged_and_keeps_its_list(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice)
    for number in range(ROWS + 1):
        make_order(user=alice, live_strategy=live, reason=f"Order {number}.")
    url = f"{detail_of(live)}?show=orders"
    assert 'href="?show=orders&amp;page=2"' in alices_browser.get(url).content.decode()
    assert alices_browser.get(f"{url}&page=2").content.decode().count('<tr id="order-') == 1


# --- Trades ----------------------------------------------------------------------------------------------


def test_trades_stand_under_their_day_with_dates_alone(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice, name="Turtle")
    monday, friday = daily_time(TODAY), daily_time(date(2010, 3, 5))
    stopped = {"exit_reason": "stop_loss", "commission": Decimal(2)}
    make_paper_trade(user=alice, live_strategy=live, **closed(friday, exit_price=27, **stopped))
    make_paper_trade(user=alice, symbol="IBM", **closed(monday, exit_price=36))
    page = text_of(alices_browser, TRADE_LIST)
    first = page.index("Mon, 2010-03-08 1 closed +$60.00")
    second = page.index("Fri, 2010-03-05 1 closed -$30.00")
    assert first < second
    assert "Manual 10 30.00 36.00 Signal +$60.00 +20.00% 2.00 $0.00" in page
    assert "Turtle 10 30.00 27.00 Stop loss -$30.00 -10.00% -1.00 $2.00" in page
    assert "00:00" not in page


def test_an_intraday_trade_shows_its_time(alices_browser: Client, alice: User) -> None:
    make_paper_trade(user=alice, timeframe="5Min", **closed(NOW - timedelta(minutes=30)))
    assert "2010-03-08 15:30" in text_of(alices_browser, TRADE_LIST)


def test_positions_with_their_lots_and_totals(alices_browser: Client, alice: User) -> None:
    put_bars({"AAPL": bars_closing_at(27, 28), "IBM": bars_closing_at(110, 105)})
    turtle = make_live_strategy(user=alice, name="Turtle")
    make_paper_trade(user=alice, live_strategy=turtle, entry_price=Decimal(20), stop_price=Decimal(18))
    make_paper_trade(user=alice, quantity=Decimal(5), entry_price=Decimal(26))
    make_paper_trade(user=alice, symbol="IBM", entry_price=Decimal(100), commission=Decimal(1), pnl=Decimal(-1))
    page = text_of(alices_browser, TRADE_LIST)
    for words in (
        "AAPL 2 lots 15 22.00 28.00 $420.00 +$90.00 +27.27%",
        "Turtle 2010-03-01 10 20.00 28.00 $280.00 +$80.00 +40.00% 18.00 —",
        "Manual 2010-03-01 5 26.00 28.00 $140.00 +$10.00 +7.69%",
        "Total $1,470.00 +$140.00",
        "Realized -$1.00",
        "Unrealized +$140.00",
        "P&amp;L total +$139.00",
        "Commission $1.00",
        "Cash $98,669.00",
        "Equity $100,139.00",
    ):
        assert words in page


def test_home_sums_lots_up(alices_browser: Client, alice: User) -> None:
    put_bars({"AAPL": bars_closing_at(27, 28), "IBM": bars_closing_at(110, 105)})
    live = make_live_strategy(user=alice, name="Turtle")
    for symbol, entry in (("AAPL", 20), ("AAPL", 26), ("IBM", 100)):
        make_paper_trade(user=alice, live_strategy=live, symbol=symbol, entry_price=Decimal(entry))
    page = text_of(alices_browser, HOME)
    assert "AAPL 2 lots 20 23.00 28.00 $560.00 +$100.00 +21.74%" in page
    assert "Turtle 2010-03-01 10 100.00 105.00 $1,050.00 +$50.00 +5.00% 27.00" in page
    assert "Turtle 2010-03-01 10 20.00" not in page
    assert "Total $1,610.00 +$150.00" in page


def test_a_position_without_prices_is_told(alices_browser: Client, alice: User) -> None:
    make_paper_trade(user=alice, symbol="GONE")
    page = text_of(alices_browser, TRADE_LIST)
    assert "No prices for GONE: counted at what was paid." in page


def test_many_trades_are_paged(alices_browser: Client, alice: User) -> None:
    for _ in range(TRADES + 1):
        make_paper_trade(user=alice, **closed(daily_time(TODAY)))
    page = alices_browser.get(TRADE_LIST).content.decode()
    assert page.count('<tr id="trade-') == TRADES
    assert f"{TRADES + 1} closed" in page
    assert 'href="?mode=paper&amp;page=2"' in page
    assert alices_browser.get(f"{TRADE_LIST}&page=2").content.decode().count('<tr id="trade-') == 1


def test_the_modes_are_apart_and_live_says_why_it_is_empty(alices_browser: Client, alice: User) -> None:
    make_paper_trade(user=alice, **closed(NOW))
    live = text_of(alices_browser, "/trades?mode=live")
    assert "No live account is connected" in live
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
def test_a_page_that_does_not_exist_is_another_that_does(alices_browser: Client, alice: User, page: str) -> None:
    live = make_live_strategy(user=alice)
    for url in (LIVE, "/trades", detail_of(live)):
        assert alices_browser.get(url, {"page": page}).status_code == 200
