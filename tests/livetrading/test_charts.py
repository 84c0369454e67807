"""The data of the live charts: bars up to now, lines of the kind, fills and open lots; whose they are."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from livetrading.models import LiveStrategy, PaperTrade
from livetrading.summaries import charts
from strategies.kinds.sma_crossover import SmaCrossover
from tests.livetrading.factories import (
    NOW,
    TODAY,
    WALL,
    at_day,
    closed,
    make_fill,
    make_live_strategy,
    make_order,
    make_paper_trade,
    make_signal,
)
from tradedesk.accounts.models import User
from tradedesk.core.bars import session_dates
from tradedesk.marketdata.library import load_bars
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.services import load_samples
from tradedesk.marketdata.sessions import daily_time


@pytest.fixture(autouse=True)
def _market(db: None) -> None:
    load_samples(WALL)
    at_day(TODAY)


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice, symbols=["AAPL", "MSFT"])


def chart_of(live: LiveStrategy, symbol: str = "AAPL") -> str:
    return f"{reverse('livetrading:strategy_chart', args=[live.pk])}?symbol={symbol}"


def trade_chart_of(trade: PaperTrade, mode: str = "paper") -> str:
    return reverse("livetrading:trade_chart", args=[mode, trade.pk])


def days(times: list[int]) -> list[str]:
    return [str(day) for day in np.array(times, "datetime64[D]")]


def test_the_bars_end_now_and_their_number_is_bounded(alices_browser: Client, live: LiveStrategy) -> None:
    chart = alices_browser.get(chart_of(live)).json()
    assert (chart["symbol"], chart["name"], len(chart["bars"]["time"])) == ("AAPL", live.name, charts.BARS)
    assert days(chart["bars"]["time"][-1:]) == [str(TODAY)]
    # The next session has a bar, which the replay has not reached.
    later = session_dates(load_bars(None, "AAPL", "1Day").time) > np.datetime64(TODAY)
    assert later.any()


def test_the_lines_are_those_of_a_longer_history(alices_browser: Client, live: LiveStrategy) -> None:
    chart = alices_browser.get(chart_of(live)).json()
    whole = load_bars(None, "AAPL", "1Day").until(daily_time(TODAY))
    expected = SmaCrossover(**live.parameters).signals(whole).lines
    assert [line["name"] for line in chart["lines"]] == list(expected)
    for line in chart["lines"]:
        assert line["values"] == pytest.approx(expected[line["name"]][-charts.BARS :], abs=1e-4)


def test_an_open_lot_has_its_levels_and_what_it_gained(
    alices_browser: Client, alice: User, live: LiveStrategy
) -> None:
    lot = make_paper_trade(user=alice, live_strategy=live, stop_price=Decimal(28), target_price=Decimal(40))
    gone = make_paper_trade(user=alice, live_strategy=live, **closed(daily_time(TODAY), exit_price=25))
    make_paper_trade(user=alice, live_strategy=live, symbol="MSFT")
    make_paper_trade(user=alice, live_strategy=make_live_strategy(user=alice))
    chart = alices_browser.get(chart_of(live)).json()
    trades = chart["trades"]
    assert trades["id"] == [lot.pk, gone.pk]
    last = load_bars(None, "AAPL", "1Day").until(daily_time(TODAY)).close[-1]
    assert trades["exit_time"] == [None, chart["bars"]["time"][-1]]
    assert (trades["stop"], trades["target"]) == ([28, 27], [40, None])
    assert trades["pnl"] == [pytest.approx((last - 30) * 10, abs=1e-4), -50]
    assert trades["r"][1] == pytest.approx(-50 / 30, abs=1e-4)


def test_fills_name_their_trade_and_their_reason(alices_browser: Client, alice: User, live: LiveStrategy) -> None:
    lot = make_paper_trade(user=alice, live_strategy=live, **closed(daily_time(TODAY)))
    entry = lot.opening_order
    entry.signal = make_signal(live_strategy=live, explanation="SMA 10 crossed above SMA 30")
    entry.save()
    stop = {"purpose": "stop_loss", "side": "sell", "opening_order": entry}
    exit_order = make_order(user=alice, live_strategy=live, state="filled", **stop)
    make_fill(order=entry, time=lot.entry_time)
    make_fill(order=exit_order, price=Decimal(33))
    make_fill(order=exit_order, price=Decimal(99), undone_by="a bust")
    fills = alices_browser.get(chart_of(live)).json()["fills"]
    assert (fills["side"], fills["price"], fills["trade"]) == (["buy", "sell"], [30, 33], [0, 0])
    assert fills["text"] == ["SMA 10 crossed above SMA 30", "Stop loss"]
    assert days(fills["time"]) == ["2010-03-01", str(TODAY)]


def test_the_chart_of_a_position_has_all_lots_of_the_account(
    alices_browser: Client, alice: User, live: LiveStrategy
) -> None:
    lots = [make_paper_trade(user=alice, live_strategy=each) for each in (live, make_live_strategy(user=alice))]
    url = reverse("livetrading:position_chart", args=["AAPL"])
    chart = alices_browser.get(url).json()
    assert (chart["trades"]["id"], chart["lines"]) == ([lot.pk for lot in lots], [])
    for query in ({"timeframe": "2Day"}, {"timeframe": "1Min"}):
        assert alices_browser.get(url, query).status_code == 404
    assert alices_browser.get(reverse("livetrading:position_chart", args=["NOPE"])).status_code == 404


def test_the_chart_of_a_trade_shows_it_alone_with_the_bars_around_it(
    alices_browser: Client, alice: User, live: LiveStrategy
) -> None:
    left = NOW - timedelta(days=60)
    trade = make_paper_trade(
        user=alice, live_strategy=live, entry_time=daily_time(TODAY - timedelta(days=90)), **closed(left)
    )
    make_paper_trade(user=alice, live_strategy=live)
    chart = alices_browser.get(trade_chart_of(trade)).json()
    assert chart["trades"]["id"] == [trade.pk]
    times = chart["bars"]["time"]
    assert times.index(chart["trades"]["entry_time"][0]) == charts.BEFORE
    assert len(times) - 1 - times.index(chart["trades"]["exit_time"][0]) == charts.AFTER
    assert [len(line["values"]) for line in chart["lines"]] == [len(times)] * 4
    held = slice(times.index(chart["trades"]["entry_time"][0]), times.index(chart["trades"]["exit_time"][0]) + 1)
    for line in chart["lines"][2:]:  # MAE and MFE
        assert len(set(line["values"][held])) == 1
        assert {*line["values"][: held.start], *line["values"][held.stop :]} == {None}


def test_others_and_nobody_get_no_chart(
    client: Client, alices_browser: Client, bobs_browser: Client, alice: User, live: LiveStrategy
) -> None:
    trade = make_paper_trade(user=alice, live_strategy=live)
    for url in (chart_of(live), trade_chart_of(trade)):
        assert alices_browser.get(url).status_code == 200
        assert bobs_browser.get(url).status_code == 404
        assert client.get(url).status_code == 302
        assert alices_browser.post(url).status_code == 405
    assert alices_browser.get(trade_chart_of(trade, "live")).status_code == 404
    assert alices_browser.get(trade_chart_of(trade, "other")).status_code == 404
    # Bob has no account yet, so no position.
    position = reverse("livetrading:position_chart", args=["AAPL"])
    assert [browser.get(position).status_code for browser in (bobs_browser, client)] == [404, 302]


def test_a_symbol_of_another_strategy_and_missing_bars_are_named(
    alices_browser: Client, live: LiveStrategy
) -> None:
    other = alices_browser.get(chart_of(live, "IBM"))
    assert (other.status_code, other.json()["detail"]) == (404, "This strategy trades AAPL, MSFT.")
    BarSeries.objects.filter(symbol="AAPL").delete()
    missing = alices_browser.get(chart_of(live))
    assert missing.status_code == 404
    assert missing.json()["detail"].startswith("No 1Day bars for AAPL.")


def test_a_kind_that_is_gone_leaves_the_prices(alices_browser: Client, live: LiveStrategy) -> None:
    LiveStrategy.objects.update(kind="not_installed")
    chart = alices_browser.get(chart_of(live)).json()
    assert (chart["lines"], len(chart["bars"]["time"])) == ([], charts.BARS)


def test_an_unchanged_chart_is_not_sent_again(alices_browser: Client, alice: User, live: LiveStrategy) -> None:
    first = alices_browser.get(chart_of(live))
    seen = {"If-None-Match": first["ETag"]}
    assert alices_browser.get(chart_of(live), headers=seen).status_code == 304
    make_paper_trade(user=alice, live_strategy=live)
    assert alices_browser.get(chart_of(live), headers=seen).status_code == 200


def test_the_number_of_queries_is_constant(alices_browser: Client, alice: User, live: LiveStrategy) -> None:
    def count(url: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert alices_browser.get(url).status_code == 200
        return len(queries)

    def add(number: int) -> Any:
        for _ in range(number):
            lot = make_paper_trade(user=alice, live_strategy=live)
            make_fill(order=lot.opening_order, time=lot.entry_time)
        return lot

    lot = add(1)
    urls = [chart_of(live), reverse("livetrading:position_chart", args=["AAPL"]), trade_chart_of(lot)]
    before = [count(url) for url in urls]
    add(8)
    assert [count(url) for url in urls] == before
