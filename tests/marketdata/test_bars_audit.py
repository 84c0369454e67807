"""Who changed which bars is recorded; a refused change is not."""

from collections.abc import Iterator

import pytest

from tests.marketdata.examples import daily_bars
from tests.marketdata.imports import NOW, import_file
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord
from tradedesk.audit.origin import Origin, Via, acting, of_command
from tradedesk.marketdata.models import BarSeries, PreviousVersion
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.undo import delete_range, delete_series, restore

pytestmark = pytest.mark.usefixtures("bar_store")


@pytest.fixture
def _alice_acts(alice: User) -> Iterator[None]:
    with acting(Origin(Via.PAGE, address="203.0.113.7", who=lambda: alice)):
        yield


@pytest.mark.usefixtures("_alice_acts")
def test_an_import_a_deletion_and_its_restoration(alice: User) -> None:
    bars = daily_bars()
    import_file(bars, owner_id=alice.pk)
    series = BarSeries.objects.get()
    delete_range(series, series.days[0], series.days[0], NOW)
    with pytest.raises(ImportRefused):
        delete_range(BarSeries.objects.get(), series.days[0], series.days[0], NOW)
    restore(PreviousVersion.objects.get(), NOW)
    delete_series(BarSeries.objects.get(), NOW)
    rows = list(AuditRecord.objects.order_by("sequence"))
    assert [row.action for row in rows] == ["bars_imported", "bars_deleted", "bars_restored", "bars_deleted"]
    assert {(row.actor, row.user_id, row.via) for row in rows} == {(alice.email, alice.pk, "page")}
    counts = [tuple((row.details[when] or {"bars": 0})["bars"] for when in ("before", "after")) for row in rows]
    number = len(bars)
    assert counts == [(0, number), (number, number - 1), (number - 1, number), (number, 0)]


def test_bars_for_all_users_by_a_command(db: None) -> None:
    with acting(of_command(["manage.py", "import_bars", "aapl.csv"])):
        import_file(daily_bars())
    found = AuditRecord.objects.get()
    assert (found.actor, found.user_id, found.through) == ("manage.py import_bars", None, "manage.py import_bars")
