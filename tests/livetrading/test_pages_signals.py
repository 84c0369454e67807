"""The signals page: filters, what became of each signal, what the check saw, and the CSV file."""

import csv
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from livetrading.models import BarDecision, LiveStrategy, SignalHistory
from livetrading.models.decision_code import DecisionCode as Code
from livetrading.summaries.signal_list import HEADER
from livetrading.summaries.signals import sentence_of
from livetrading.views.signals import SIGNALS
from tests.livetrading.factories import NOW, TODAY, at_day, make_live_strategy, make_order, make_signal
from tests.livetrading.reading import HOME, LIVE, detail_of, text_of
from tradedesk.accounts.models import User
from tradedesk.marketdata.sessions import daily_time

SIGNAL_LIST, CSV = "/signals", "/signals.csv"


@pytest.fixture(autouse=True)
def _market(db: None) -> None:
    at_day(TODAY)


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice, name="Turtle")


def decision_of(signal: SignalHistory, **fields: Any) -> BarDecision:
    values: dict[str, Any] = {
        "live_strategy": signal.live_strategy,
        "signal": signal,
        "symbol": signal.symbol,
        "bar_time": signal.bar_time,
        "close": signal.price,
        "indicators": {"SMA 10": 31.5, "SMA 30": 30.25},
        "side": signal.side,
        "strength": signal.strength,
        "explanation": signal.explanation,
        "code": signal.code or Code.MAX_POSITIONS,
        "sentence": signal.reason or "An order.",
        "checked_at": signal.created_at,
        "kept_until": signal.created_at + timedelta(days=400),
    }
    if "signal_id" in fields:
        del values["signal"]
    return BarDecision.objects.create(**(values | fields))


def shown(browser: Client, query: str = "") -> list[int]:
    """The ids of the signals on the page, from the top."""
    response = browser.get(f"{SIGNAL_LIST}?{query}")
    assert response.status_code == 200
    return [entry.signal.pk for entry in response.context["entries"]]


def exported(browser: Client, query: str = "") -> list[dict[str, str]]:
    response: Any = browser.get(f"{CSV}?{query}")
    assert response.status_code == 200
    return list(csv.DictReader(StringIO(response.getvalue().decode())))


def test_each_filter_and_all_together(alices_browser: Client, alice: User, live: LiveStrategy) -> None:
    other = make_live_strategy(user=alice, name="Momentum")
    first = make_signal(live_strategy=live, code=Code.MAX_POSITIONS)
    ibm = make_signal(live_strategy=live, symbol="IBM", code=Code.PAUSED)
    sell = make_signal(live_strategy=other, side="sell", code=Code.ORDERED, created_at=NOW - timedelta(days=7))
    cases = {
        "": [sell, ibm, first],
        f"strategy={live.pk}": [ibm, first],
        "symbol=ibm": [ibm],
        "side=sell": [sell],
        f"code={Code.PAUSED}": [ibm],
        f"since={TODAY}": [ibm, first],
        f"until={TODAY - timedelta(days=1)}": [sell],
        f"strategy={other.pk}&side=sell&code=ordered&since=2010-03-01&until=2010-03-01": [sell],
        f"strategy={other.pk}&side=buy": [],
    }
    for query, expected in cases.items():
        assert shown(alices_browser, query) == [signal.pk for signal in expected], query
        rows = exported(alices_browser, query)
        assert [(row["symbol"], row["code"]) for row in rows] == [(s.symbol, s.code) for s in expected], query


@pytest.mark.parametrize(
    "query",
    [
        "strategy=999999",
        "strategy=x",
        "symbol=%00",
        "side=up",
        "code=unknown",
        "since=yesterday",
        "until=0001-01-01",
    ],
)
def test_an_invalid_filter_says_so_and_is_ignored(alices_browser: Client, live: LiveStrategy, query: str) -> None:
    signal = make_signal(live_strategy=live)
    assert shown(alices_browser, query) == [signal.pk]
    response = alices_browser.get(f"{SIGNAL_LIST}?{query}")
    assert list(response.context["filters"].errors) == [query.partition("=")[0]]
    assert len(exported(alices_browser, query)) == 1


def test_sells_of_what_is_not_held_are_hidden_unless_asked_for(alices_browser: Client, live: LiveStrategy) -> None:
    buy = make_signal(live_strategy=live, code=Code.ORDERED, explanation="The one to see")
    sell = make_signal(live_strategy=live, side="sell", code=Code.NOTHING_TO_SELL, explanation="Not to see")
    assert shown(alices_browser) == [buy.pk]
    assert shown(alices_browser, "unheld=on") == [sell.pk, buy.pk]
    assert shown(alices_browser, f"code={Code.NOTHING_TO_SELL}") == [sell.pk]
    assert [row["code"] for row in exported(alices_browser)] == [Code.ORDERED]
    for page in (HOME, f"{LIVE}?show=signals", detail_of(live)):
        text = text_of(alices_browser, page)
        assert "The one to see" in text
        assert "Not to see" not in text


def test_every_page_says_in_one_sentence_why_there_is_no_trade(alices_browser: Client, live: LiveStrategy) -> None:
    refused = make_signal(live_strategy=live, code=Code.MAX_POSITIONS)
    blocked = make_signal(live_strategy=live, symbol="IBM", outcome="ordered", reason="", code=Code.EXPIRED)
    make_order(user=live.user, live_strategy=live, signal=blocked, state="blocked", reason="It was too late.")
    for page in (HOME, f"{LIVE}?show=signals", detail_of(live), SIGNAL_LIST):
        # On Home the sentence is the title of the outcome.
        text = alices_browser.get(page).content.decode() if page == HOME else text_of(alices_browser, page)
        assert refused.reason in text
        assert "The desk held the order back: It was too late." in text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"state": "filled", "filled_quantity": 10, "filled_price": 31.5}, "Bought 10 at 31.50."),
        (
            {"state": "partially_filled", "filled_quantity": 4, "filled_price": 31},
            "Bought 4 of 10 at 31.00; the rest is at the broker.",
        ),
        (
            {"state": "cancelled", "filled_quantity": 4, "reason": "Halt."},
            "Bought 4 of 10; the order was cancelled: Halt.",
        ),
        ({"state": "rejected", "reason": "No cash."}, "The broker rejected the order: No cash."),
        ({"state": "expired"}, "The order has expired."),
        ({"state": "accepted"}, "The broker has the order; it is not filled yet."),
    ],
)
def test_the_sentence_of_an_order(alice: User, fields: dict[str, Any], sentence: str) -> None:
    order = make_order(user=alice, **fields)
    order.refresh_from_db()
    assert sentence_of(order) == sentence


def test_a_row_opens_what_the_check_saw(alices_browser: Client, live: LiveStrategy) -> None:
    decision_of(make_signal(live_strategy=live, code=Code.PAUSED))
    page = text_of(alices_browser, SIGNAL_LIST)
    for text in ("SMA 10", "31.5", "SMA 30", "30.25"):
        assert text in page
    (row,) = exported(alices_browser)
    assert row["indicators"] == "SMA 10 31.5; SMA 30 30.25"


def test_the_csv_file_has_new_york_times_and_no_formulas(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice, name="=cmd|' /C calc'!A0")
    make_signal(live_strategy=live, bar_time=daily_time(TODAY), code=Code.PAUSED)
    (row,) = exported(alices_browser)
    assert list(row) == list(HEADER)
    assert row["strategy"].startswith("'=")
    assert (row["bar_ny"], row["checked_ny"]) == ("2010-03-08T00:00:00-05:00", "2010-03-08T16:00:00-05:00")
    assert (row["side"], row["price"], row["outcome"]) == ("buy", "31.250000", "refused")
    assert row["what_became_of_it"] == "The limit of 5 open positions is reached."


def test_pages_keep_the_filters(alices_browser: Client, live: LiveStrategy) -> None:
    for _ in range(SIGNALS + 1):
        make_signal(live_strategy=live, code=Code.PAUSED)
    make_signal(live_strategy=live, symbol="IBM", code=Code.PAUSED)
    first, second = (shown(alices_browser, f"symbol=AAPL&page={page}") for page in (1, 2))
    assert (len(first), len(second)) == (SIGNALS, 1)
    page = alices_browser.get(f"{SIGNAL_LIST}?symbol=AAPL").content.decode()
    assert "?symbol=AAPL&amp;page=2" in page
    assert f"{CSV}?symbol=AAPL" in page
    assert len(exported(alices_browser, "symbol=AAPL")) == SIGNALS + 1


def test_an_empty_page_says_what_to_do_next(alices_browser: Client, alice: User) -> None:
    assert "Go to strategies" in text_of(alices_browser, SIGNAL_LIST)
    make_live_strategy(user=alice)
    assert "Go to Live Trading" in text_of(alices_browser, SIGNAL_LIST)
    assert "Clear filters" in text_of(alices_browser, f"{SIGNAL_LIST}?symbol=ZZZ")


def test_htmx_gets_the_region_alone(alices_browser: Client, live: LiveStrategy) -> None:
    region = alices_browser.get(SIGNAL_LIST, headers={"HX-Request": "true"})
    assert region.content.decode().lstrip().startswith('<section id="signals"')
    back = alices_browser.get(SIGNAL_LIST, headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in back.content.decode()


def test_bob_sees_nothing_of_alice(alices_browser: Client, bobs_browser: Client, live: LiveStrategy) -> None:
    make_signal(live_strategy=live)
    assert len(shown(alices_browser)) == 1
    assert shown(bobs_browser) == shown(bobs_browser, f"strategy={live.pk}") == []
    assert exported(bobs_browser, f"strategy={live.pk}") == []
    assert "Turtle" not in text_of(bobs_browser, f"{SIGNAL_LIST}?strategy={live.pk}")


def test_charlie_is_sent_to_the_login_page(charlies_browser: Client) -> None:
    for url in (SIGNAL_LIST, CSV):
        assert charlies_browser.get(url).headers["Location"].startswith(reverse("account_login"))


def test_the_number_of_queries_does_not_depend_on_the_rows(alices_browser: Client, live: LiveStrategy) -> None:
    counts = []
    for rows in (2, 20):
        for _ in range(rows):
            decision_of(make_signal(live_strategy=live))
        for url in (SIGNAL_LIST, CSV, f"{detail_of(live)}?show=log"):
            with CaptureQueriesContext(connection) as queries:
                response: Any = alices_browser.get(url)
                list(response)
            counts.append((url, len(queries)))
    assert counts[:3] == counts[3:]


# --- Late signals ----------------------------------------------------------------------------------------------


def test_late_signals_are_a_warning_on_their_strategy(alices_browser: Client, live: LiveStrategy) -> None:
    LiveStrategy.objects.update(last_check_at=NOW)
    make_signal(live_strategy=live, code=Code.LATE, created_at=NOW - timedelta(days=8))
    assert "too late in the last" not in text_of(alices_browser, detail_of(live))
    make_signal(live_strategy=live, code=Code.LATE)
    make_signal(live_strategy=live, code=Code.EXPIRED)
    assert "2 signals came too late in the last 7 days" in text_of(alices_browser, detail_of(live))
    assert "2 too late" in text_of(alices_browser, LIVE)


# --- The log of a live strategy --------------------------------------------------------------------------------


def test_the_log_shows_every_bar_hold_included(alices_browser: Client, live: LiveStrategy) -> None:
    signal = make_signal(live_strategy=live, code=Code.PAUSED)
    decision_of(signal)
    hold = decision_of(
        signal,
        signal_id=None,
        bar_time=daily_time(date(2010, 3, 5)),
        side="hold",
        code=Code.HOLD,
        explanation="SMA 10 (31.50) is above SMA 30 (30.25)",
        sentence="No signal on this bar.",
    )
    page = text_of(alices_browser, f"{detail_of(live)}?show=log")
    for text in (hold.explanation, hold.sentence, "2010-03-05", "Hold", "Log 2"):
        assert text in page


def test_the_page_of_a_strategy_shows_what_the_last_check_saw(alices_browser: Client, live: LiveStrategy) -> None:
    heading = 'id="last-check-heading"'
    assert heading not in alices_browser.get(detail_of(live)).content.decode()
    seen = {"bar_time": daily_time(TODAY).isoformat(), "close": 31.25, "side": "hold", "code": "hold"}
    live.last_seen = {
        "AAPL": seen | {"sentence": "No signal on this bar."},
        "ZZZ": {"code": "no_bars", "sentence": "There are no bars of ZZZ."},
        "OLD": seen | {"code": "of_an_older_desk", "sentence": "Something."},
    }
    live.last_check_at = NOW
    live.save()
    assert heading in alices_browser.get(detail_of(live)).content.decode()
    page = text_of(alices_browser, detail_of(live))
    for text in ("31.25", "No signal on this bar.", "There are no bars of ZZZ.", "No bars"):
        assert text in page
