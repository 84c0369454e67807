from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from tests.marketdata.examples import daily_bars
from tradedesk.accounts.models import User
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.series import SeriesKey, save_series

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bar_store")]


@pytest.fixture
def admins(alice: User) -> Client:
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    client = Client()
    client.force_login(alice)
    return client


def test_an_administrator_can_see_series_but_not_change_them(admins: Client) -> None:
    now = datetime(2026, 1, 5, tzinfo=UTC)
    series = save_series(SeriesKey("csv", "ACME", "1Day"), daily_bars(), adjusted=True, stored=None, now=now)
    pk = BarSeries.objects.get().pk
    assert series.fingerprint[:12] in admins.get(reverse("admin:marketdata_barseries_changelist")).content.decode()
    change = reverse("admin:marketdata_barseries_change", args=[pk])
    assert admins.get(change).status_code == 200
    assert admins.post(change, {"symbol": "OTHER"}).status_code == 403
    assert admins.get(reverse("admin:marketdata_barseries_add")).status_code == 403
    assert admins.post(reverse("admin:marketdata_barseries_delete", args=[pk]), {"post": "yes"}).status_code == 403
    assert BarSeries.objects.get().symbol == "ACME"


def test_a_trader_is_sent_to_the_log_in(bobs: Client) -> None:
    response = bobs.get(reverse("admin:marketdata_barseries_changelist"))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("admin:login"))
