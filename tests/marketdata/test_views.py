"""Alice is an administrator, Bob is a trader, Charlie is logged out."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.marketdata.examples import HEADER, csv_of, daily_bars
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata import forms, views
from tradedesk.marketdata.library import load_bars
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.series import SeriesKey, save_series

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
            page = text(client.get(LIST))
            series = BarSeries.objects.get(symbol="S001")
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

    def test_only_an_administrator_sees_the_upload_button(self, alices: Client, bobs: Client) -> None:
        put(1)
        assert f'href="{UPLOAD}"' in text(alices.get(LIST))
        assert f'href="{UPLOAD}"' not in text(bobs.get(LIST))

    def test_an_empty_list_says_what_to_do_next(self, alices: Client, bobs: Client) -> None:
        assert "manage.py load_samples" in text(alices.get(LIST))
        assert "manage.py load_samples" not in text(bobs.get(LIST))

    def test_the_number_of_queries_is_constant(self, bobs: Client) -> None:
        counts = []
        for more in (1, views.PAGE_SIZE):
            BarSeries.objects.all().delete()
            put(more)
            with CaptureQueriesContext(connection) as queries:
                assert bobs.get(LIST).status_code == 200
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_it_has_pages(self, bobs: Client) -> None:
        put(views.PAGE_SIZE + 1)
        assert "S050" not in text(bobs.get(LIST))
        assert "S050" in text(bobs.get(LIST, {"page": "2"}))
        assert "S050" in text(bobs.get(LIST, {"page": "999"}))
        assert "S000" in text(bobs.get(LIST, {"page": "x"}))

    def test_a_post_is_refused(self, bobs: Client) -> None:
        assert bobs.post(LIST).status_code == 405


class TestUpload:
    def test_bob_is_refused_with_the_command_to_use_and_nothing_is_stored(self, bobs: Client) -> None:
        for response in (bobs.get(UPLOAD), send(bobs, csv_of(daily_bars()))):
            assert response.status_code == 403
            assert "manage.py import_bars FILE" in text(response)
        assert not BarSeries.objects.exists()

    def test_charlie_stores_nothing(self, charlies: Client) -> None:
        assert send(charlies, csv_of(daily_bars())).status_code == 302
        assert not BarSeries.objects.exists()

    def test_alice_uploads_a_file_and_sees_the_result(self, alices: Client) -> None:
        assert 'enctype="multipart/form-data"' in text(alices.get(UPLOAD))
        response = send(alices, csv_of(daily_bars(5)))
        assert response["Location"] == LIST
        assert "ACME 1Day: 5 bars added" in text(alices.get(LIST))
        assert load_bars("ACME", "1Day").close.tolist() == [10.0, 11.0, 12.0, 13.0, 14.0]
        assert BarSeries.objects.get().provider == "csv"

    def test_a_large_file_is_read_from_a_temporary_file(self, alices: Client, settings: Any) -> None:
        settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10
        assert send(alices, csv_of(daily_bars(300))).status_code == 302
        assert BarSeries.objects.get().count == 300

    @pytest.mark.parametrize(
        ("changes", "field", "message"),
        [
            (
                {"content": HEADER.encode() + b"\n2012-03-05,x,1,1,1,1\n"},
                "file",
                "Line 2: Open is “x”, not a number.",
            ),
            ({"content": b""}, "file", "The file is empty"),
            ({"file": None}, "file", "This field is required."),
            ({"symbol": "../x"}, "symbol", "is not a symbol"),
            ({"symbol": ""}, "symbol", "This field is required."),
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

    def test_bars_that_differ_are_refused_at_the_field_replace(self, alices: Client) -> None:
        send(alices, csv_of(daily_bars(5)))
        other = csv_of(daily_bars(5, price=20.0))
        refused = send(alices, other)
        assert list(refused.context["form"].errors) == ["replace"]
        assert load_bars("ACME", "1Day").close[0] == 10.0
        assert send(alices, other, replace="on").status_code == 302
        assert load_bars("ACME", "1Day").close[0] == 20.0

    def test_a_file_that_is_too_large_is_refused(self, alices: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(forms, "MAX_BYTES", 100)
        response = send(alices, csv_of(daily_bars(5)))
        assert "Import larger files with manage.py import_bars." in response.context["form"].errors["file"][0]
        assert not BarSeries.objects.exists()

    def test_a_form_without_its_csrf_token_is_refused(self, alice: Any) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(alice)
        assert send(client, csv_of(daily_bars())).status_code == 403
        assert not BarSeries.objects.exists()
