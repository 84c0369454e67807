"""The pages and the command that search, download and keep up to date."""

from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from backtests.forms.backtest_draft import availability_in
from tests.alpaca_server.data import Answer
from tests.marketdata.alpaca_desk import Desk, desk
from tests.marketdata.examples import daily_bars
from tradedesk.accounts.models import User
from tradedesk.marketdata import assets
from tradedesk.marketdata.download_requests import request_download
from tradedesk.marketdata.download_views import TOO_MANY
from tradedesk.marketdata.downloading import run_downloads
from tradedesk.marketdata.feeds.protocol import FeedFailed
from tradedesk.marketdata.models import BarSeries, BarUpdate, Download, KeptSeries

__all__ = ["desk"]

pytestmark = pytest.mark.django_db

NOW = datetime(2020, 3, 20, 22, tzinfo=UTC)
LIST, DOWNLOAD = "/dashboard/data", "/dashboard/data/download"
SHARES = [
    {"symbol": "AAPL", "name": "Apple Inc. Common Stock", "exchange": "NASDAQ", "tradable": True},
    {"symbol": "MSFT", "name": "Microsoft Corporation", "exchange": "NASDAQ", "tradable": False},
    {"symbol": "BAD/SYMBOL", "name": "Not for this desk"},
    {"name": "Without a symbol"},
]


@pytest.fixture(autouse=True)
def now() -> Any:
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def shares(desk: Desk) -> Desk:
    desk.now = NOW
    for symbol in ("AAPL", "IBM"):
        desk.data.add(symbol, "1Day", daily_bars(40, date(2020, 1, 2)))
    return desk


def post(client: Client, **changes: str) -> Any:
    values = {"symbols": "aapl, IBM", "timeframe": "1Week", "start": "2020-01-01", "keep": "on"}
    return client.post(DOWNLOAD, {key: value for key, value in (values | changes).items() if value})


def test_a_download_is_queued_kept_up_to_date_and_shown_until_it_is_done(
    shares: Desk, alices: Client, bobs: Client, bob: User
) -> None:
    assert post(bobs).status_code == 302
    download = Download.objects.get()
    assert (download.user, download.symbols, download.timeframe) == (bob, ["AAPL", "IBM"], "1Day")
    assert KeptSeries.objects.filter(user=bob).count() == 2
    response = bobs.get("/dashboard/data/downloads")
    panel = response.content.decode()
    assert (f"download-{download.pk}" in panel, "hx-trigger" in panel) == (True, True)
    assert "HX-Trigger" not in response
    assert f"download-{download.pk}" not in alices.get("/dashboard/data/downloads").content.decode()
    run_downloads(shares.clock, shares.sleep)
    response = bobs.get("/dashboard/data/downloads")
    panel = response.content.decode()
    assert (f"download-{download.pk}" in panel, "hx-trigger" in panel) == (True, False)
    # The list of the series listens to it.
    assert response["HX-Trigger"] == "downloaded"
    assert "downloaded from:body" in bobs.get("/dashboard/data").content.decode()
    assert BarSeries.objects.filter(owner=None).count() == 2


def test_only_its_user_cancels_a_download(shares: Desk, alices: Client, bobs: Client, bob: User) -> None:
    download = request_download(bob.pk, ["AAPL"], "1Day", None, now=NOW)
    address = reverse("marketdata:download_cancel", args=[download.pk])
    assert alices.post(address).status_code == 404
    assert bobs.get(address).status_code == 405
    assert bobs.post(address).status_code == 302
    download.refresh_from_db()
    assert download.status == Download.Status.CANCELLED


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"symbols": ""}, "symbols"),
        ({"symbols": "A/B"}, "symbols"),
        ({"symbols": "A\0B"}, "symbols"),
        ({"timeframe": "2Day"}, "timeframe"),
        ({"start": "2030-01-01"}, "start"),
        ({"start": "yesterday"}, "start"),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    shares: Desk, bobs: Client, changes: dict[str, str], field: str
) -> None:
    response = post(bobs, **changes)
    assert (response.status_code, list(response.context["form"].errors)) == (422, [field])
    assert not Download.objects.exists()


def test_without_keys_the_page_says_where_they_come_from(shares: Desk, bobs: Client, settings: Settings) -> None:
    settings.ALPACA_DATA_KEY_ID = settings.ALPACA_DATA_SECRET = ""
    assert bobs.get(LIST).context["has_access"] is False
    response = post(bobs)
    assert (response.status_code, list(response.context["form"].errors)) == (422, ["__all__"])


def test_who_is_logged_out_sees_nothing(shares: Desk, charlies: Client) -> None:
    for address in (DOWNLOAD, "/dashboard/data/downloads", "/dashboard/data/shares?symbol=AAPL"):
        assert charlies.get(address).status_code == 302
    assert charlies.post(DOWNLOAD).status_code == 302
    assert not shares.data.requests


def test_shares_are_found_by_symbol_and_by_name(
    shares: Desk, bob: User, bobs: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[str] = []
    monkeypatch.setattr(assets, "publish", lambda task, messages: published.append(task))
    page = bobs.get("/dashboard/data/shares?symbol=app")
    assert (page.context["found"], page.context["is_listed"], published) == ([], False, [assets.REFRESH_TASK])
    monkeypatch.setattr(assets, "AlpacaClient", lambda url, keys: _Listing(url))
    assert assets.refresh(bob.pk, NOW) == 2
    assert assets.refresh(bob.pk, NOW + timedelta(hours=23)) == 0
    request_download(bob.pk, ["AAPL"], "1Day", None, now=NOW)
    run_downloads(shares.clock, shares.sleep)
    for words, symbol in (("aap", "AAPL"), ("apple", "AAPL"), ("soft", "MSFT")):
        [(asset, stored)] = bobs.get(f"/dashboard/data/shares?symbol={words}").context["found"]
        assert (asset.symbol, len(stored)) == (symbol, int(symbol == "AAPL"))
    assert published == [assets.REFRESH_TASK]
    for _ in range(10):  # also while the list is old and cannot be read
        assets.search("app", bob.pk, NOW + timedelta(days=3))
    assert published == [assets.REFRESH_TASK]


class _Listing:
    """The keys are those of a live account: the paper host refuses them."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, parameters: dict[str, str]) -> Any:
        if "paper" in self.url:
            raise FeedFailed("refused", keys=True)
        return SHARES


def test_the_page_of_a_series_shows_the_latest_price_with_its_age(shares: Desk, bob: User, bobs: Client) -> None:
    request_download(bob.pk, ["AAPL"], "1Day", None, now=NOW)
    run_downloads(shares.clock, shares.sleep)
    shares.data.trade("AAPL", 49.5, NOW - timedelta(minutes=3))
    shares.data.quote("AAPL", 49.4, 49.6, NOW - timedelta(minutes=2))
    address = f"/dashboard/data/{BarSeries.objects.get().pk}"
    latest = bobs.get(f"{address}/latest").context["latest"]
    assert (str(latest.price), str(latest.ask), NOW - latest.price_at) == ("49.5", "49.6", timedelta(minutes=3))
    asked = len(shares.data.requests)
    bobs.get(f"{address}/latest")
    assert len(shares.data.requests) == asked, "not asked again at once"
    for keep, kept in (("1", True), ("0", False)):
        bobs.post(f"{address}/keep", {"keep": keep})
        assert (KeptSeries.objects.exists(), bobs.get(address).context["is_kept"]) == (kept, kept)


def test_looking_at_prices_leaves_requests_for_the_bars(shares: Desk, bob: User, bobs: Client) -> None:
    request_download(bob.pk, ["AAPL"], "1Day", None, now=NOW)
    run_downloads(shares.clock, shares.sleep)
    address = f"/dashboard/data/{BarSeries.objects.get().pk}/latest"
    shares.data.requests.clear()
    for _ in range(30):
        cache.delete(f"latest-{bob.pk}-AAPL")
        latest = bobs.get(address).context["latest"]
    assert (len(shares.data.requests), latest.error) == (40, TOO_MANY)


def test_a_latest_price_that_fails_says_why(shares: Desk, alice: User, alices: Client) -> None:
    request_download(alice.pk, ["IBM"], "1Day", None, now=NOW)
    run_downloads(shares.clock, shares.sleep)
    shares.data.fail(Answer(503, b""))
    latest = alices.get(f"/dashboard/data/{BarSeries.objects.get().pk}/latest").context["latest"]
    assert "503" in latest.error


def test_the_data_page_shows_how_fresh_the_bars_are(shares: Desk, alice: User, bob: User, bobs: Client) -> None:
    for owner, timeframe in ((None, "1Min"), (bob, "1Day"), (alice, "1Day")):
        BarUpdate.objects.create(owner=owner, timeframe=timeframe, due_at=NOW)
    assert {each.owner for each in bobs.get(LIST).context["updates"]} == {None, bob}


def test_every_page_says_whose_prices_they_are(shares: Desk, bobs: Client, settings: Settings) -> None:
    assert "IEX" in str(bobs.get(DOWNLOAD).context["market_status"])
    settings.ALPACA_FEED = "sip"
    assert "IEX" not in str(bobs.get(DOWNLOAD).context["market_status"])


def test_a_form_without_bars_offers_their_download(bob: User, bobs: Client) -> None:
    availability = availability_in(bob.pk, "1Hour", "NOSUCH, AAPL")
    assert availability.download == "symbols=NOSUCH%2C+AAPL&timeframe=1Hour"
    form = bobs.get(f"{DOWNLOAD}?{availability.download}").context["form"]
    assert (form["symbols"].value(), form["timeframe"].value()) == ("NOSUCH, AAPL", "1Hour")


def download_bars(*arguments: str) -> str:
    out = StringIO()
    call_command("download_bars", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_the_command_downloads_for_all_users_or_for_one(shares: Desk, bob: User) -> None:
    assert "40 bars" in download_bars("aapl", "--start", "2020-01-01")
    assert "0 bars" in download_bars("AAPL", "--timeframe", "1Month")
    download_bars("IBM", "--user", bob.email)
    owners = dict(BarSeries.objects.values_list("symbol", "owner"))
    assert owners == {"AAPL": None, "IBM": bob.pk}


def test_the_command_says_what_it_did_not_get(shares: Desk) -> None:
    with pytest.raises(CommandError, match="1 of 2"):
        download_bars("AAPL", "NOSUCH")
    assert BarSeries.objects.count() == 1
    shares.data.keys = {}
    with pytest.raises(CommandError, match="401"):
        download_bars("IBM")
