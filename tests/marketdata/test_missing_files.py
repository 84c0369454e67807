"""Importing into a series of which a file was deleted or damaged."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from tradedesk.marketdata.library import load_bars
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.services import Imported, import_bars

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bar_store")]

MINUTES = "Time,Open,High,Low,Close,Volume\n"
OF_2011 = "2011-03-07 09:30,9.5,11,9,10,1000\n2011-03-07 09:31,9.5,11,9,10,1000\n"
OF_2012 = "2012-03-05 09:30,9.5,11,9,10,1000\n"
LATER_OF_2012 = "2012-03-05 09:31,9.5,11,9,10,1000\n"


def import_minutes(rows: str, *, replace: bool = False) -> Imported:
    file = BytesIO((MINUTES + rows).encode())
    return import_bars(
        file,
        owner_id=None,
        symbol="ACME",
        timeframe="1Min",
        provider="csv",
        adjusted=True,
        replace=replace,
        now=NOW,
    )


def test_a_deleted_file_of_one_year_does_not_lose_the_others(bar_store: Path) -> None:
    series = import_minutes(OF_2011 + OF_2012).series
    (bar_store / series.paths[0]).unlink()
    with pytest.raises(ImportRefused, match="3 bars were stored from 2011-03-07 to 2012-03-05") as refusal:
        import_minutes(LATER_OF_2012)
    assert refusal.value.field == "replace"
    assert BarSeries.objects.get().parts == series.parts
    assert import_minutes(OF_2011).series.parts == series.parts
    assert len(load_bars(None, "ACME", "1Min")) == 3


def test_with_replace_a_series_goes_on_without_the_deleted_file(bar_store: Path) -> None:
    series = import_minutes(OF_2011 + OF_2012).series
    (bar_store / series.paths[0]).unlink()
    assert import_minutes(LATER_OF_2012, replace=True).series.count == 2
    assert len(load_bars(None, "ACME", "1Min")) == 2


def test_a_damaged_file_of_one_year_is_named_and_nothing_is_changed(bar_store: Path) -> None:
    series = import_minutes(OF_2011 + OF_2012).series
    (bar_store / series.paths[1]).write_bytes(b"damaged")
    with pytest.raises(ImportRefused, match=r"csv/ACME/1Min\.2012\..* is damaged. Delete it"):
        import_minutes(LATER_OF_2012)
    assert BarSeries.objects.get().parts == series.parts
