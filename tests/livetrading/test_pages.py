"""Common behaviour of the live pages; the home page and the live trading page."""

import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from livetrading.models import SignalHistory
from livetrading.views.dashboard import STRATEGIES, TABS
from tests.livetrading.factories import (
    NOW,
    TODAY,
    WALL,
    at_day,
    bars_closing_at,
    closed,
    make_backtest,
    make_desk_rows,
    make_live_strategy,
    make_order,
    make_paper_trade,
    make_signal,
    make_strategy,
)
from tests.livetrading.pipeline.desk import put_bars
from tests.livetrading.reading import HOME, LIVE, TRADE_LIST, detail_of, text_of
from tradedesk.accounts.models import User
from tradedesk.marketdata.services import load_samples
from tradedesk.marketdata.sessions import daily_time

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _market(db: None) -> None:
    load_samples(WALL)
    at_day(TODAY)


@pytest.mark.parametrize("url", [HOME, LIVE, TRADE_LIST, f"{LIVE}/{{pk}}", f"{LIVE}/{{pk}}?show=trades"])
def test_htmx_gets_only_the_live_region(alices_browser: Client, alice: User, url: str) -> None:
    url = url.format(pk=make_live_strategy(user=alice).pk)
    page = alices_browser.get(url).content.decode()
    response = alices_browser.get(url, headers=HTMX)
    region = response.content.decode().strip()
    assert response.headers["Vary"].startswith("HX-Request")
    assert "<html" in page
    assert "<html" not in region
    opening = region[: region.index(">") + 1]
    # The complete region of the page, which polls itself again.
    assert opening in page
    assert f'hx-get="{url}"' in opening
    assert 'hx-trigger="every 5s, sse:changed"' in opening
    assert region.count("<div") == region.count("</div")


@pytest.mark.parametrize("url", [HOME, *(f"{LIVE}?show={tab}" for tab in TABS), TRADE_LIST])
def test_the_queries_do_not_grow_with_the_rows(
    alices_browser: Client, bobs_browser: Client, alice: User, bob: User, url: str
) -> None:
    make_desk_rows(alice, 4)
    make_desk_rows(bob, STRATEGIES)
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


def test_a_new_user_sees_three_steps(alices_browser: Client, alice: User) -> None:
    def page() -> str:
        return alices_browser.get(HOME).content.decode()

    assert 'id="steps-heading"' in page()
    assert page().count(">Done<") == 0
    assert 'id="equity-heading"' not in page()
    make_backtest(user=alice)
    assert page().count(">Done<") == 2
    make_live_strategy(user=alice)
    assert 'id="steps-heading"' not in page()
    assert "Account equity" in text_of(alices_browser, HOME)


def test_the_home_page_shows_all_sections(alices_browser: Client, alice: User) -> None:
    make_desk_rows(alice, 1)
    page = text_of(alices_browser, HOME)
    for text in (
        "Live strategies 1",
        "Positions 1",
        "Needs attention",
        "Open risk to the stops",
        "SMA 10 crossed above SMA 30",
        "+$30.00",
    ):
        assert text in page


def test_the_empty_page_links_to_the_strategies(alices_browser: Client) -> None:
    page = alices_browser.get(LIVE).content.decode()
    empty = page[page.index('id="strategies-heading"') :]
    assert 'href="/dashboard/strategies"' in empty[: empty.index("</section>")]
    assert 'class="panel live-tabs"' not in page
    assert "data-chart" not in page


def test_the_row_of_a_strategy(alices_browser: Client, alice: User) -> None:
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
    for text in (
        "Live - Turtle PAPER No bars yet for IBM. Active",
        "AAPL MSFT 2010-03-08 16:00 2010-03-08 Sell MSFT SMA 10 crossed below SMA 30",
        "1 of 5 +$10.00 −$20.00",
    ):
        assert text in page


def test_a_signal_has_its_outcome_with_the_reason(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice, name="Turtle")
    make_signal(live_strategy=live, symbol="IBM")
    ordered = make_signal(live_strategy=live, outcome=SignalHistory.Outcome.ORDERED, reason="")
    make_order(
        user=alice,
        live_strategy=live,
        signal=ordered,
        state="blocked",
        reason="The reason.",
    )
    page = text_of(alices_browser, f"{LIVE}?show=signals")
    assert (
        "2010-03-08 16:00 Turtle IBM Buy 0.75 31.25 SMA 10 crossed above SMA 30 "
        "Refused The limit of 5 open positions is reached." in page
    )
    assert "Blocked The desk held the order back: The reason." in page


def test_working_orders_are_listed_with_their_trigger(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice)
    make_order(user=alice, live_strategy=live, state="pending")
    stop = {"purpose": "stop_loss", "side": "sell", "type": "stop", "stop_price": Decimal("27.5")}
    make_order(user=alice, live_strategy=live, state="accepted", **stop)
    make_order(user=alice, live_strategy=live, state="filled", symbol="DONE")
    page = text_of(alices_browser, f"{LIVE}?show=orders")
    assert f"AAPL {live.name} Buy Entry Market 10 — Pending" in page
    assert f"AAPL {live.name} Sell Stop loss Stop 10 27.50 Accepted" in page
    assert "DONE" not in page


@pytest.mark.parametrize("show", ["", "positions", "orders", "signals", "log", "x"])
def test_the_address_keeps_the_tab(alices_browser: Client, alice: User, show: str) -> None:
    make_desk_rows(alice, 1)
    url = f"{LIVE}?show={show}" if show else LIVE
    page = alices_browser.get(url)
    shown = show if show in TABS else "positions"
    assert page.context["show"] == shown
    assert f'href="?show={shown}" aria-current="page"' in " ".join(page.content.decode().split())
    assert f'hx-get="{url}"' in page.content.decode()


def test_the_chart_opens_on_a_position_and_rows_change_it(alices_browser: Client, alice: User) -> None:
    idle = make_live_strategy(user=alice, symbols=["IBM"])
    holder = make_live_strategy(user=alice, symbols=["MSFT", "AAPL"])
    lot = make_paper_trade(user=alice, live_strategy=holder)
    make_signal(live_strategy=idle, symbol="IBM")
    page = alices_browser.get(LIVE).content.decode()
    chart = f'data-url="{detail_of(holder)}/chart.json?symbol=AAPL"'
    assert page.count(chart) == 1
    row = page[page.index(f'id="lot-{lot.pk}"') :]
    assert f'data-chart-url="{detail_of(holder)}/chart.json?symbol=AAPL"' in row
    assert f'data-time="{lot.entry_time:%Y-%m-%d}"' in row
    signals = alices_browser.get(f"{LIVE}?show=signals").content.decode()
    assert f'data-chart-url="{detail_of(idle)}/chart.json?symbol=IBM"' in signals


def test_strategies_are_paginated(alices_browser: Client, alice: User) -> None:
    for _ in range(STRATEGIES + 1):
        make_live_strategy(user=alice)
    oldest = alice.live_strategies.earliest("pk").name
    assert f">{oldest}</a>" not in alices_browser.get(LIVE).content.decode()
    second = alices_browser.get(f"{LIVE}?page=2").content.decode()
    assert f">{oldest}</a>" in second
    # The region of the second page polls the second page.
    assert f'hx-get="{LIVE}?page=2"' in second
