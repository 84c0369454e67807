"""The API of series: Alice has one of her own, Bob reads the one for all users, Charlie sends no token."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from tests.api.client import ApiClient
from tests.livetrading.factories import make_paper_trade
from tests.livetrading.made_bars import flat
from tradedesk.accounts.models import User
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.series import SeriesKey, save_series

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
DATA = "/api/v1/data"


@pytest.fixture
def own(alice: User) -> BarSeries:
    key = SeriesKey("csv", "ACME", "1Day")
    save_series(key, flat(10, 11), adjusted=True, stored=None, now=NOW)
    return save_series(key._replace(owner_id=alice.pk), flat(20, 21, 22), adjusted=True, stored=None, now=NOW)


def test_each_user_lists_the_own_series_and_those_for_all(
    own: BarSeries, alices: ApiClient, bobs: ApiClient
) -> None:
    listed = {name: client.get(f"{DATA}?symbol=acme").json for name, client in (("alice", alices), ("bob", bobs))}
    assert [(each["for_all"], each["count"]) for each in listed["alice"]["items"]] == [(False, 3), (True, 2)]
    assert [(each["for_all"], each["count"]) for each in listed["bob"]["items"]] == [(True, 2)]
    assert listed["bob"]["count"] == 1
    assert bobs.get(f"{DATA}?symbol=ACM").json["items"] == []
    assert alices.get(f"{DATA}/{own.pk}").json["fingerprint"] == own.fingerprint


def test_deleting_a_range_restoring_and_downloading(own: BarSeries, alice: User, alices: ApiClient) -> None:
    address = f"{DATA}/{own.pk}"
    assert alices.send("DELETE", f"{address}?first=2012-03-06&last=2012-03-06").json == {"deleted": 1}
    (gap,) = alices.get(address).json["findings"]
    assert [gap[name] for name in ("name", "hard", "is_open", "count")] == ["gap", False, False, 1]
    (version,) = alices.get(f"{DATA}/versions").json["items"]
    assert alices.post(f"{DATA}/versions/{version['id']}/restore").json["count"] == 3
    browser = Client()
    browser.force_login(alice)
    sent = browser.get(f"{address}/bars?file_format=csv").getvalue()
    assert sent.splitlines()[1] == b"2012-03-05,20.0,20.0,20.0,20.0,1000000.0"
    assert alices.get(f"{address}/bars?file_format=zip").status == 422
    assert alices.send("DELETE", f"{address}?first=x").status == 422


def test_a_series_in_use_or_of_all_users_is_not_deleted(own: BarSeries, alice: User, alices: ApiClient) -> None:
    make_paper_trade(user=alice, symbol="ACME")
    refused = alices.send("DELETE", f"{DATA}/{own.pk}")
    assert (refused.status, "1 account holds it" in refused.json["detail"]) == (409, True)
    shared = BarSeries.objects.get(owner=None)
    assert alices.send("DELETE", f"{DATA}/{shared.pk}").status == 403
    assert BarSeries.objects.count() == 2
