"""The page of a series. Alice is an administrator and owns a series, Bob is a trader, Charlie is logged out."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.livetrading.factories import make_paper_trade, make_strategy
from tests.marketdata.examples import daily_bars
from tradedesk.accounts.models import User
from tradedesk.core.bars import COLUMNS, Bars
from tradedesk.marketdata import chart_columns
from tradedesk.marketdata.models import BarSeries, PreviousVersion
from tradedesk.marketdata.quality import Finding, Span
from tradedesk.marketdata.series import SeriesKey, save_series

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bar_store")]

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
READ = ("series", "chart", "gaps", "csv", "parquet")


def put(owner: User | None, count: int = 5, symbol: str = "ACME") -> BarSeries:
    key = SeriesKey("csv", symbol, "1Day", owner.pk if owner else None)
    stored = BarSeries.objects.filter(**key._asdict()).first()
    return save_series(key, daily_bars(count), adjusted=True, stored=stored, now=NOW, undoable=True)


def url(name: str, pk: int) -> str:
    return reverse(f"marketdata:{name}", args=[pk])


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.fixture
def own(alice: User) -> BarSeries:
    put(alice)
    return put(alice, 6)


def test_alice_reads_her_series(own: BarSeries, alices: Client, charlies: Client) -> None:
    for name in READ:
        assert alices.get(url(name, own.pk)).status_code == 200
        assert charlies.get(url(name, own.pk)).status_code == 302
    page = alices.get(url("series", own.pk)).content.decode()
    assert own.short_fingerprint in page
    assert url("restore", PreviousVersion.objects.get().pk) in page
    assert body(alices.get(url("csv", own.pk))).count(b"\n") == 7


def test_bob_learns_nothing_of_alices_series(own: BarSeries, bobs: Client) -> None:
    version = PreviousVersion.objects.get()
    for name in (*READ, "delete"):
        response = bobs.get(url(name, own.pk))
        assert response.status_code == 404
        assert b"ACME" not in body(response)
    assert bobs.post(url("delete", own.pk), {"whole": "1"}).status_code == 404
    assert bobs.post(url("restore", version.pk)).status_code == 404
    listed = bobs.get(reverse("marketdata:list"), {"symbol": "AC"})
    assert list(listed.context["page"]) == list(listed.context["deleted"]) == []
    assert (BarSeries.objects.get().count, PreviousVersion.objects.get()) == (6, version)


def test_bob_reads_a_series_for_all_users_but_does_not_change_it(bobs: Client, alice: User) -> None:
    put(None)
    shared = put(None, 6)
    for name in READ:
        assert bobs.get(url(name, shared.pk)).status_code == 200
    page = bobs.get(url("series", shared.pk)).content.decode()
    version = PreviousVersion.objects.get()
    for name, pk, status in (("delete", shared.pk, 403), ("restore", version.pk, 404)):
        assert url(name, pk) not in page
        assert bobs.post(url(name, pk), {"whole": "1"}).status_code == status
    assert BarSeries.objects.get().count == 6


def test_the_page_says_which_series_is_read_instead(own: BarSeries, alices: Client, bobs: Client) -> None:
    shared = put(None)
    assert alices.get(url("series", shared.pk)).context["read"] == own
    assert alices.get(url("series", own.pk)).context["read"] is None
    assert bobs.get(url("series", shared.pk)).context["read"] is None


def test_alice_deletes_a_range_and_the_series_and_restores_both(own: BarSeries, alices: Client) -> None:
    delete = url("delete", own.pk)
    for days, field in (
        ({}, "first"),
        ({"first": "2012-03-06", "last": "2012-03-05"}, "last"),
        ({"first": "x"}, "first"),
    ):
        refused = alices.post(delete, days)
        assert (refused.status_code, list(refused.context["form"].errors)) == (422, [field])
    assert alices.post(delete, {"first": "2012-03-12"})["Location"] == url("series", own.pk)
    assert BarSeries.objects.get().count == 5
    assert alices.post(url("restore", PreviousVersion.objects.get().pk))["Location"] == url("series", own.pk)
    assert BarSeries.objects.get().count == 6
    assert alices.post(delete, {"whole": "1"})["Location"] == reverse("marketdata:list")
    listed = alices.get(reverse("marketdata:list"))
    (version,) = listed.context["deleted"]
    assert url("restore", version.pk) in listed.content.decode()
    alices.post(url("restore", version.pk))
    assert BarSeries.objects.get().count == 6


def test_a_held_symbol_is_not_deleted_and_the_page_says_why(own: BarSeries, alice: User, alices: Client) -> None:
    make_paper_trade(user=alice, symbol="ACME")
    refused = alices.post(url("delete", own.pk), {"whole": "1"})
    assert (refused.status_code, "1 account holds it" in refused.context["refused"]) == (422, True)
    assert alices.post(url("restore", PreviousVersion.objects.get().pk))["Location"] == url("series", own.pk)
    assert BarSeries.objects.get().count == 6


def test_the_panel_of_uses_has_only_what_is_mine(alice: User, bob: User, alices: Client, bobs: Client) -> None:
    strategy = make_strategy(user=alice, name="Mine", symbols=["ACME"])
    make_strategy(user=alice, name="Other", symbols=["ACMEX"])
    make_paper_trade(user=alice, symbol="ACME")
    address = reverse("livetrading:series_uses", args=["ACME", "1Day"])
    mine = alices.get(address).context["uses"]
    assert (mine.strategies, mine.in_use) == ([(strategy.pk, "Mine")], ["1 account holds it"])
    others = bobs.get(address).context["uses"]
    assert (others.strategies, others.backtests, others.in_use) == ([], 0, [])


def test_a_long_series_has_few_points_and_a_range_has_its_own(
    alice: User, alices: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = put(alice, 100)
    monkeypatch.setattr(chart_columns, "MAX_POINTS", 10)
    chart = alices.get(url("chart", series.pk)).json()
    bars = chart["bars"]
    assert {len(values) for values in bars.values()} == {10}
    # 2012-03-05, as days since 1970.
    assert [values[0] for values in bars.values()] == [15404, 9.5, 20.0, 9.0, 19.0, 10_000]
    part = alices.get(url("chart", series.pk), {"first": "2012-03-06", "last": "2012-03-07"}).json()
    assert part["bars"]["time"] == [15405, 15406]
    for days in ({"first": "2013-01-01"}, {"last": "0001-01-01"}, {"first": "2012-03-07", "last": "2012-03-06"}):
        whole = "2012-03-07" in days.values()  # a range that is none is refused at its field
        assert len(alices.get(url("chart", series.pk), days).json()["bars"]["time"]) == (10 if whole else 0)
    assert len(alices.get(url("chart", series.pk), {"last": "9999-12-31"}).json()["bars"]["time"]) == 10


def test_the_gaps_are_those_of_the_timeframe_the_longest_first(alice: User, alices: Client) -> None:
    days = daily_bars(60)
    kept = np.ones(60, dtype=bool)
    kept[[10, 30, 31]] = False
    bars = Bars(*(getattr(days, name)[kept] for name in COLUMNS))
    series = save_series(SeriesKey("csv", "GAPS", "1Day", alice.pk), bars, adjusted=True, stored=None, now=NOW)
    shown = alices.get(url("gaps", series.pk)).context
    assert ([gap.count for gap in shown["gaps"]], shown["missing"], shown["unit"]) == ([2, 1], 3, "sessions")
    mondays = daily_bars(60)[::5]
    weeks = Bars(*(np.delete(getattr(mondays, name), [4, 5]) for name in COLUMNS))
    key = SeriesKey("csv", "WEEKS", "1Week", alice.pk)
    shown = alices.get(url("gaps", save_series(key, weeks, adjusted=True, stored=None, now=NOW).pk)).context
    assert ([gap.count for gap in shown["gaps"]], shown["unit"]) == ([2], "weeks")


def test_findings_say_whether_they_are_open_and_weeks_have_dates(alice: User, alices: Client) -> None:
    places = (Span(NOW, NOW, note="4:1"), Span(NOW, NOW, note="2:1", accepted=True))
    for number, place in enumerate(places):
        key = SeriesKey("csv", f"ACME{number}", "1Week", alice.pk)
        found = [Finding("split", True, (place,))]
        series = save_series(key, daily_bars(5)[::5], adjusted=True, stored=None, now=NOW, findings=found)
        for address in (url("series", series.pk), reverse("marketdata:list") + f"?symbol=ACME{number}"):
            page = alices.get(address).content.decode()
            assert (f"<strong>{['Open', 'Accepted'][number]}</strong>" in page, "2012-03-05 00:00" in page) == (
                True,
                False,
            )
            assert f'<span class="symbol">ACME{number}</span>' not in page  # another column shows the symbol


def test_the_number_of_queries_does_not_grow_with_the_series(alice: User, alices: Client) -> None:
    counts = []
    for more in range(2):
        series = put(alice, 5 + more, symbol=f"S{more}")
        for number in range(5 * more):
            put(alice, 4, symbol=f"T{number}")
        with CaptureQueriesContext(connection) as queries:
            alices.get(url("series", series.pk))
            alices.get(reverse("marketdata:list"))
        counts.append(len(queries))
    assert counts[0] == counts[1]
