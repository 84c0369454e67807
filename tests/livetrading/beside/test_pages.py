"""The panel beside the backtest, its curves and the page of the nights: for Alice, Bob and Charlie."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from livetrading.models import LiveStrategy
from livetrading.summaries.comparison import chart_columns
from tests.api.client import ApiClient
from tests.livetrading.compared import COLUMNS, make_comparison, make_night
from tests.livetrading.factories import NOW, TODAY, at_day, make_live_strategy
from tests.livetrading.reading import detail_of, text_of
from tradedesk.accounts.models import User

NAMES = ["detail", "comparison_curves", "decisions"]
API = ["comparison", "decisions"]


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    at_day(TODAY)
    return make_live_strategy(user=alice, last_check_at=NOW)


def url_of(name: str, live: LiveStrategy) -> str:
    return reverse(f"livetrading:{name}", args=[live.pk])


def api_of(name: str, live: LiveStrategy) -> str:
    return f"/api/v1/live-trading/strategies/{live.pk}/{name}"


@pytest.mark.parametrize("name", NAMES)
def test_only_the_owner_sees_it(
    alices_browser: Client, bobs_browser: Client, charlies_browser: Client, live: LiveStrategy, name: str
) -> None:
    make_comparison(live)
    statuses = [
        browser.get(url_of(name, live)).status_code for browser in (alices_browser, bobs_browser, charlies_browser)
    ]
    assert statuses == [200, 404, 302]
    assert alices_browser.post(url_of(name, live)).status_code == 405


def test_the_panel_waits_then_computes_then_shows_the_figures(alices_browser: Client, live: LiveStrategy) -> None:
    LiveStrategy.objects.update(last_check_at=None)
    waiting = alices_browser.get(detail_of(live)).content.decode()
    assert "comparison-computing" not in waiting
    LiveStrategy.objects.update(last_check_at=NOW)
    computing = alices_browser.get(detail_of(live)).content.decode()
    assert 'id="comparison-computing"' in computing
    make_comparison(live)
    make_night(live)
    make_night(live, days_ago=3, differences=1)
    page = text_of(alices_browser, detail_of(live))
    for text in (
        "Inside the expected range, below its middle half.",
        "−$735.00 to +$13,717.00 Expected, median +$6,559.00",
        "4 of 4 decisions identical last night",
        "7 of 8 in 2 sessions",
        "Identical 30 $0.00 Late 1 −$81.51 Missed 0 $0.00 Extra 0 $0.00 Price difference 3 −$2.95",
        "Live against backtest 34 −$84.46",
        "$12.50 (1.25 bps)",
    ):
        assert text in page
    assert alices_browser.get(url_of("comparison_curves", live)).json() == chart_columns(COLUMNS)


def test_the_chart_has_days_and_no_cone_after_its_end() -> None:
    stored: dict[str, list[Any]] = {
        "time": [15 * 86_400 + 75_600, 16 * 86_400 + 75_600],
        "live": [1.0, 2.0],
        "p50": [0.5],
    }
    assert chart_columns(stored) == {"unit": "day", "time": [15, 16], "live": [1.0, 2.0], "p50": [0.5, None]}
    assert chart_columns({}) == {"unit": "day", "time": []}


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        (
            {"place": "below", "live": -900.0},
            "Below the expected range: −$900.00, expected −$735.00 to +$13,717.00.",
        ),
        ({"place": "", "closed_trades": 3}, "Too early to judge: 3 of 5 closed trades."),
        ({"place": "", "range": None, "range_problem": "No backtest."}, "No backtest."),
        ({"sizes": [2, -7.5]}, "Of these, other size 2 −$7.50"),
        ({"edited": True}, "Its settings were edited"),
    ],
)
def test_the_sentences_of_the_panel(
    alices_browser: Client, live: LiveStrategy, figures: dict[str, object], text: str
) -> None:
    make_comparison(live, figures=figures)
    assert text in text_of(alices_browser, detail_of(live))


def test_the_fills_are_a_list_of_the_history(alices_browser: Client, live: LiveStrategy) -> None:
    make_comparison(live, fills=3)
    every = alices_browser.get(f"{detail_of(live)}?show=fills").content.decode()
    assert every.count('<tr id="fill-') == 3
    different = f"{detail_of(live)}?show=fills&differences=1"
    assert alices_browser.get(different).content.decode().count('<tr id="fill-') == 1
    assert "107.17 105.74 1.43 Late 1 session late, check delayed −$81.51" in text_of(alices_browser, different)


def test_the_nights_are_listed_with_what_differs(alices_browser: Client, live: LiveStrategy) -> None:
    for days_ago in range(30):
        make_night(live, days_ago, differences=2 if days_ago == 1 else 0)
    page = alices_browser.get(url_of("decisions", live)).content.decode()
    assert page.count('<tr id="night-') == 25
    assert "118 of 120 decisions identical" in page
    different = text_of(alices_browser, f"{url_of('decisions', live)}?show=differences")
    assert "2 of 4" in different
    assert "Data corrected AAPL Buy 166 then, Buy 181 now." in different
    assert "Close 12.0 11.0 Checked 16:00 —" in different


@pytest.mark.parametrize("name", ["decisions", "detail"])
def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(
    alices_browser: Client, live: LiveStrategy, name: str
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            assert alices_browser.get(f"{url_of(name, live)}?show=fills").status_code == 200
        return len(found)

    row = make_comparison(live)
    make_night(live, 0, differences=1)
    few = queries()
    row.delete()
    make_comparison(live, fills=60)
    for days_ago in range(1, 20):
        make_night(live, days_ago, differences=3)
    assert queries() == few


@pytest.mark.parametrize("name", API)
def test_the_api_answers_the_owner(alice: User, bob: User, live: LiveStrategy, name: str) -> None:
    make_comparison(live)
    make_night(live, differences=1)
    statuses = [ApiClient(user).send("get", api_of(name, live)).status for user in (alice, bob, None)]
    assert statuses == [200, 404, 401]


def test_the_api_has_the_figures_and_the_nights(alice: User, live: LiveStrategy) -> None:
    api = ApiClient(alice)
    empty = api.send("get", api_of("comparison", live)).json
    assert (empty["state"], empty["live"], empty["matches"], empty["curves"]) == ("computing", None, [], None)
    make_comparison(live)
    make_night(live, differences=1)
    found = api.send("get", api_of("comparison", live)).json
    assert (found["state"], found["live"], found["place"]) == ("ready", 1933.12, "lower")
    assert found["matches"][1] == {"match": "late", "count": 1, "effect": -81.51}
    assert found["expected_range"] == [-735.0, 3400.0, 6559.0, 9600.0, 13717.0]
    assert list(found["curves"]) == list(COLUMNS)
    (night,) = api.send("get", api_of("decisions", live)).json["items"]
    assert (night["decisions"], night["identical"], night["seconds"]) == (4, 3, 1.8)
    assert night["differences"][0]["evidence"]["now"] == {"close": 11.0}
