"""The sparkline and the chart of a trade, its excursions, and the page of one trade."""

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.test import Client

from livetrading.models import PaperTrade
from livetrading.summaries.trade_bars import marks_of, reached_prices, trade_sparkline
from tests.livetrading.factories import (
    TODAY,
    WALL,
    at_day,
    bars_closing_at,
    closed,
    make_live_trade,
    make_paper_trade,
)
from tests.livetrading.reading import text_of
from tradedesk.accounts.models import User
from tradedesk.core.bars import Bars
from tradedesk.marketdata.services import load_samples
from tradedesk.marketdata.sessions import daily_time, daily_times

# Monday to Monday; TODAY is the last one.
DAYS = [date(2010, 3, day) for day in (1, 2, 3, 4, 5, 8)]
LOWS, HIGHS = [29.0, 28.0, 30.0, 31.0, 20.0, 32.0], [31.0, 32.0, 34.0, 36.0, 40.0, 33.0]
CLOSES = [30.5, 31.0, 33.0, 35.0, 30.0, 32.5]


def bars() -> Bars:
    lows, highs, closes = (np.array(column) for column in (LOWS, HIGHS, CLOSES))
    return Bars(daily_times(np.array(DAYS, "datetime64[D]")), closes, highs, lows, closes, np.full(6, 100.0))


def trade_of(**fields: Any) -> PaperTrade:
    """Ten shares bought at 30 on Monday, with a stop at 27; not stored."""
    values = {"entry_time": daily_time(DAYS[0]), "entry_price": Decimal(30), "quantity": Decimal(10)}
    stops = {"initial_stop_price": Decimal(27), "stop_price": Decimal("28.5"), "target_price": Decimal(37)}
    return PaperTrade(**({"symbol": "AAPL"} | values | stops | fields))


def sold(day: date, price: float) -> dict[str, Any]:
    return closed(daily_time(day), exit_price=price)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # lows 29, 28, 30, 31 and highs 31, 32, 34, 36; of Friday, 20 to 40, the price of the sale alone
        (sold(DAYS[4], 36.5), (28, 36.5)),
        (sold(DAYS[4], 27), (27, 36)),
        (sold(DAYS[0], 30.25), (30, 30.25)),
        # an open trade has all of its last bar
        ({}, (20, 40)),
        ({"entry_time": daily_time(TODAY), "entry_price": Decimal("32.2")}, (32, 33)),
    ],
)
def test_what_the_price_reached_while_it_was_held(fields: dict[str, Any], expected: tuple[float, float]) -> None:
    assert reached_prices(trade_of(**fields), bars()) == pytest.approx(expected)


def test_bars_at_another_scale_say_nothing_about_a_trade() -> None:
    split = trade_of(entry_price=Decimal(120))
    assert reached_prices(split, bars()) is None
    assert trade_sparkline(split, bars()) is None
    assert marks_of(split, bars()) == {}


def test_the_marks_of_a_trade_in_prices_dollars_and_r() -> None:
    assert marks_of(trade_of(pk=7, **sold(DAYS[3], 36)), bars()) == {
        "mae": {"price": 28, "pnl": -20, "r": pytest.approx(-2 / 3)},
        "mfe": {"price": 36, "pnl": 60, "r": 2},
    }


@pytest.mark.parametrize("nothing", [None, bars()[:0]])
def test_without_bars_there_is_nothing_to_draw(nothing: Bars | None) -> None:
    assert marks_of(trade_of(), nothing) == {}
    assert trade_sparkline(trade_of(), nothing) is None


def test_a_sparkline_joins_entry_and_exit() -> None:
    found = trade_sparkline(trade_of(**sold(DAYS[3], 36)), bars())
    assert found is not None
    assert found.values == tuple(bars().close.tolist())
    assert (found.entry, found.exit) == ((0, 30), (3, 36))
    assert found.joins == "0:30,3:36"


def test_a_trade_of_one_bar_has_a_sparkline() -> None:
    late = trade_of(entry_time=daily_time(TODAY), entry_price=Decimal("32.5"))
    assert trade_sparkline(late, bars_closing_at(32, 32.5)) is not None


@pytest.fixture
def _market(db: None) -> None:
    load_samples(WALL)
    at_day(TODAY)


@pytest.mark.usefixtures("_market")
def test_only_the_owner_sees_a_trade(
    alices_browser: Client, bobs_browser: Client, charlies_browser: Client, alice: User
) -> None:
    paper, live = make_paper_trade(user=alice), make_live_trade(user=alice)
    for url in (f"/trades/paper/{paper.pk}", f"/trades/paper/{paper.pk}/chart.json", f"/trades/live/{live.pk}"):
        assert alices_browser.get(url).status_code == 200
        assert bobs_browser.get(url).status_code == 404
        assert charlies_browser.get(url).status_code == 302
    for unknown in (f"/trades/both/{paper.pk}", "/trades/paper/999999", f"/trades/paper/{2**80}"):
        assert alices_browser.get(unknown).status_code == 404


@pytest.mark.usefixtures("_market")
def test_a_trade_is_a_page_and_a_dialog(alices_browser: Client, alice: User) -> None:
    trade = make_paper_trade(user=alice, **sold(date(2010, 3, 5), 33))
    url = f"/trades/paper/{trade.pk}"
    page = alices_browser.get(url).content.decode()
    dialog = alices_browser.get(url, headers={"HX-Request": "true"}).content.decode()
    assert f'data-url="{url}/chart.json"' in page
    assert f'data-url="{url}/chart.json"' in dialog
    assert ("<html" in page, "<html" in dialog, "<h1" in page, "<h1" in dialog) == (True, False, True, False)
    assert "+1.00" in text_of(alices_browser, url)
    assert f'href="{url}"' in alices_browser.get("/trades").content.decode()
    chart = alices_browser.get(f"{url}/chart.json").json()
    assert chart["bars"]["time"][-1] == (TODAY - date(1970, 1, 1)).days, "no bar after the market's time"
