"""Alice is an administrator, Bob is a trader, Charlie is logged out."""

import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.marketdata.examples import HEADER, csv_of, daily_bars
from tradedesk.accounts.models import User
from tradedesk.core.bars import Bars, Timeframe
from tradedesk.marketdata import forms, uploads, views
from tradedesk.marketdata.library import load_bars
from tradedesk.marketdata.models import BarSeries, Upload
from tradedesk.marketdata.series import SeriesKey, save_series
from tradedesk.marketdata.tasks import delete_old_uploads

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bar_store")]

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
LIST, UPLOAD = "/dashboard/data", "/dashboard/data/upload"


def put(count: int) -> None:
    for number in range(count):
        key = SeriesKey("csv", f"S{number:03}", Timeframe.DAY.value)
        save_series(key, daily_bars(3 + number), adjusted=number % 2 == 0, stored=None, now=NOW)


def send(client: Client, content: bytes = b"", name: str = "acme.csv", **changes: Any) -> Any:
    values = {"symbol": "acme", "timeframe": "1Day", "adjusted": "yes", "file": SimpleUploadedFile(name, content)}
    return client.post(UPLOAD, {key: value for key, value in (values | changes).items() if value is not None})


def text(response: Any) -> str:
    page: str = response.content.decode()
    return page


class TestList:
    def test_its_address(self) -> None:
        assert (reverse("marketdata:list"), reverse("marketdata:upload")) == (LIST, UPLOAD)

    def test_every_logged_in_user_sees_the_series(self, alices: Client, bobs: Client) -> None:
        put(2)
        for client in (alices, bobs):
            series = BarSeries.objects.get(symbol="S001")
            page = text(client.get(LIST, {"series": series.pk}))
            assert "S001" in page
            assert "2012-03-05" in page
            assert "2012-03-08" in page
            assert series.fingerprint[:12] in page
            assert "Not adjusted" in page
            assert "2026-01-05 07:00" in page  # New York time

    def test_charlie_is_sent_to_the_log_in(self, charlies: Client) -> None:
        for url in (LIST, UPLOAD):
            response = charlies.get(url)
            assert response.status_code == 302
            assert response["Location"].startswith(reverse("account_login"))

    def test_an_empty_list_says_what_to_do_next(self, bobs: Client) -> None:
        assert "manage.py load_samples" in text(bobs.get(LIST))
        assert f'href="{UPLOAD}"' in text(bobs.get(LIST))

    def test_it_is_filtered_by_the_start_of_the_symbol(self, bobs: Client) -> None:
        put(12)
        shown = bobs.get(LIST, {"symbol": "s01"}).context["page"]
        assert [series.symbol for series in shown] == ["S010", "S011"]

    def test_the_number_of_queries_is_constant(self, bobs: Client) -> None:
        counts = []
        for more in (1, views.PAGE_SIZE):
            BarSeries.objects.all().delete()
            put(more)
            with CaptureQueriesContext(connection) as queries:
                assert bobs.get(LIST).status_code == 200
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_one_series_of_the_page_is_shown_with_its_chart(
        self, alice: User, alices: Client, bobs: Client
    ) -> None:
        put(2)
        key = SeriesKey("csv", "OWN", Timeframe.DAY.value, alice.pk)
        own = save_series(key, daily_bars(3), adjusted=True, stored=None, now=NOW)
        first, second = BarSeries.objects.filter(owner=None)
        for client, asked, shown in (
            (bobs, "", first),
            (bobs, str(second.pk), second),
            (bobs, "x", first),
            (bobs, str(own.pk), first),
            (alices, str(own.pk), own),
        ):
            response = client.get(LIST, {"series": asked})
            assert response.context["shown"] == shown, asked
            assert f'data-url="/dashboard/data/{shown.pk}/chart.json"' in text(response)

    def test_it_has_pages(self, bobs: Client) -> None:
        put(views.PAGE_SIZE + 1)
        assert "S050" not in text(bobs.get(LIST))
        assert "S050" in text(bobs.get(LIST, {"page": "2"}))
        assert "S050" in text(bobs.get(LIST, {"page": "999"}))
        assert "S000" in text(bobs.get(LIST, {"page": "x"}))

    def test_a_post_is_refused(self, bobs: Client) -> None:
        assert bobs.post(LIST).status_code == 405


class TestUpload:
    def test_only_an_administrator_stores_a_series_for_all_users(
        self, alice: User, bob: User, alices: Client, bobs: Client
    ) -> None:
        assert "for_all" not in bobs.get(UPLOAD).context["form"].fields
        for client, for_all in ((bobs, "on"), (alices, None), (alices, "on")):
            client.post(send(client, csv_of(daily_bars()), for_all=for_all)["Location"])
        owners = BarSeries.objects.order_by("pk").values_list("owner", flat=True)
        assert list(owners) == [bob.pk, alice.pk, None]

    def test_charlie_stores_nothing(self, charlies: Client) -> None:
        assert send(charlies, csv_of(daily_bars())).status_code == 302
        assert not BarSeries.objects.exists()

    def test_alice_sees_the_bars_as_understood_and_then_stores_them(self, alice: User, alices: Client) -> None:
        assert 'enctype="multipart/form-data"' in text(alices.get(UPLOAD))
        preview = send(alices, csv_of(daily_bars(9)[::-1]))["Location"]
        page = text(alices.get(preview))
        assert [f"2012-03-{day:02}" in page for day in (5, 6, 7, 8, 12, 13, 14, 15)] == [
            True, True, True, False, False, True, True, True
        ]  # fmt: skip
        assert "descending order" in page
        assert not BarSeries.objects.exists()
        assert alices.post(preview)["Location"] == LIST
        assert "ACME 1Day: 9 bars added" in text(alices.get(LIST))
        assert load_bars(alice.pk, "ACME", "1Day").close[0] == 10.0
        assert not Upload.objects.exists()

    def test_a_large_file_is_read_from_a_temporary_file(self, alices: Client, settings: Any) -> None:
        settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10
        alices.post(send(alices, csv_of(daily_bars(300)))["Location"])
        assert BarSeries.objects.get().count == 300

    def test_only_its_owner_sees_and_stores_an_upload(
        self, alices: Client, bobs: Client, charlies: Client, bob: Any
    ) -> None:
        preview = send(alices, csv_of(daily_bars()))["Location"]
        bob.is_staff = True
        bob.save()
        assert (bobs.get(preview).status_code, bobs.post(preview).status_code) == (404, 404)
        assert charlies.post(preview).status_code == 302
        assert not BarSeries.objects.exists()
        assert alices.get(preview).status_code == 200

    def test_uploads_are_few_and_do_not_last(self, alices: Client, bar_store: Path) -> None:
        previews = [send(alices, csv_of(daily_bars()))["Location"] for _ in range(uploads.MAX_PER_USER + 1)]
        found = [alices.get(preview).status_code for preview in previews]
        assert found == [404, *[200] * uploads.MAX_PER_USER]
        assert alices.post(previews[1], {"discard": "1"})["Location"] == UPLOAD
        assert alices.get(previews[1]).status_code == 404
        assert len(list((bar_store / "uploads").iterdir())) == uploads.MAX_PER_USER - 1
        with time_machine.travel(timezone.now() + uploads.KEPT_FOR):
            assert alices.get(previews[-1]).status_code == 404
            delete_old_uploads()
        assert list((bar_store / "uploads").iterdir()) == []
        assert not BarSeries.objects.exists()

    def test_a_file_of_several_symbols_is_a_series_each_and_a_bad_one_stops_no_other(self, alices: Client) -> None:
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("AAA.csv", csv_of(daily_bars(5)))
            archive.writestr("BBB.csv", csv_of(daily_bars(5)) + b"2012-03-12,1,oops,1,1,1\n")
            archive.writestr("CCC.csv", csv_of(daily_bars(7)))
        preview = send(alices, packed.getvalue(), name="all.zip", symbol="")["Location"]
        page = text(alices.get(preview))
        assert "1 of 6 rows is bad. Line 7: High is “oops”" in page
        assert alices.post(preview).status_code == 302
        assert dict(BarSeries.objects.values_list("symbol", "count")) == {"AAA": 5, "CCC": 7}

    def test_a_hard_finding_is_stored_only_when_it_is_ticked(self, alices: Client) -> None:
        bars = daily_bars(30, price=100.0)
        opened, high, low, close = (np.concatenate((each[:15], each[15:] / 4)) for each in bars.values()[:4])
        half = Bars(bars.time, opened, high, low, close, bars.volume)
        preview = send(alices, csv_of(half))["Location"]
        assert 'name="accept" value="split"' in " ".join(text(alices.get(preview)).split())
        assert "Tick each finding that is right." in text(alices.post(preview))
        assert not BarSeries.objects.exists()
        assert alices.post(preview, {"accept": "split"}).status_code == 302
        assert BarSeries.objects.get().count == 30

    def test_an_open_order_of_dates_is_asked_for_at_its_field(self, alices: Client) -> None:
        content = f"{HEADER}\n03/05/2012,9,11,9,10,1\n03/06/2012,9,11,9,10,1\n".encode()
        assert list(send(alices, content).context["form"].errors) == ["date_order"]
        assert send(alices, content, date_order="mdy").status_code == 302

    @pytest.mark.parametrize(
        ("changes", "field", "message"),
        [
            (
                {"content": HEADER.encode() + b"\n2012-03-05,x,1,1,1,1\n"},
                "file",
                "1 of 1 rows is bad. Line 2: Open is “x”, not a number.",
            ),
            ({"content": b""}, "file", "The file is empty"),
            ({"file": None}, "file", "This field is required."),
            ({"symbol": "../x"}, "symbol", "is not a symbol"),
            ({"symbol": "", "name": "prices.csv"}, "symbol", "names no symbol"),
            ({"date_order": "ymd"}, "date_order", "Select a valid choice"),
            ({"symbol": "A" * 16}, "symbol", "at most 15 characters"),
            ({"timeframe": "2Day"}, "timeframe", "Select a valid choice"),
            ({"adjusted": "perhaps"}, "adjusted", "Select a valid choice"),
        ],
    )
    def test_each_refusal_is_shown_at_its_field(
        self, alices: Client, changes: dict[str, Any], field: str, message: str
    ) -> None:
        response = send(alices, **({"content": csv_of(daily_bars())} | changes))
        assert response.status_code == 200
        assert list(response.context["form"].errors) == [field]
        assert message in response.context["form"].errors[field][0]
        assert not BarSeries.objects.exists()

    def test_a_refused_form_keeps_its_values(self, alices: Client) -> None:
        page = text(send(alices, b"nonsense\n", symbol="zzz", timeframe="1Hour", adjusted="no", replace="on"))
        assert 'value="zzz"' in page
        assert '<option value="1Hour" selected>' in page
        assert '<option value="no" selected>' in page
        assert "checked" in page
        assert 'id="choose-again"' in page

    def test_bars_that_differ_are_refused_without_replace(self, alice: User, alices: Client) -> None:
        alices.post(send(alices, csv_of(daily_bars(5)))["Location"])
        other = csv_of(daily_bars(5, price=20.0))
        assert "5 bars of the file differ" in text(alices.get(send(alices, other)["Location"]))
        assert alices.post(send(alices, other)["Location"]).status_code == 200
        assert load_bars(alice.pk, "ACME", "1Day").close[0] == 10.0
        assert alices.post(send(alices, other, replace="on")["Location"]).status_code == 302
        assert load_bars(alice.pk, "ACME", "1Day").close[0] == 20.0

    def test_a_file_that_is_too_large_is_refused(self, alices: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(forms, "MAX_BYTES", 100)
        response = send(alices, csv_of(daily_bars(5)))
        assert "Import larger files with manage.py import_bars." in response.context["form"].errors["file"][0]
        assert not BarSeries.objects.exists()

    def test_a_form_without_its_csrf_token_is_refused(self, alice: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(alice)
        assert send(client, csv_of(daily_bars())).status_code == 403
        assert not BarSeries.objects.exists()
