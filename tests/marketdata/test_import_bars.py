"""The service that imports a file of bars."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError
from pytest_django import DjangoCaptureOnCommitCallbacks

from tests.marketdata.examples import HEADER, csv_of, daily_bars
from tests.marketdata.imports import NOW, files, import_file, same, stored
from tests.marketdata.quality_series import scaled
from tradedesk.core.bars import Bars, Timeframe, to_datetime
from tradedesk.marketdata import store
from tradedesk.marketdata.appending import append_bars
from tradedesk.marketdata.findings import BarsUse, read_doubts
from tradedesk.marketdata.library import load_bars
from tradedesk.marketdata.models import BarSeries, PreviousVersion
from tradedesk.marketdata.refusal import FindingsRefused, ImportRefused
from tradedesk.marketdata.series import SeriesKey

LATER = datetime(2026, 1, 6, 12, tzinfo=UTC)

# The last session before the 26th bar of daily_bars, and that of the bar.
DAYS_AROUND = (date(2012, 4, 9), date(2012, 4, 10))

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bar_store")]


def test_it_stores_the_bars_and_reports_the_series(bar_store: Path) -> None:
    bars = daily_bars(5)
    imported = import_file(bars, symbol=" acme ")
    series = BarSeries.objects.get()
    assert (series.provider, series.symbol, series.timeframe) == ("csv", "ACME", "1Day")
    assert series.first == datetime(2012, 3, 5, 5, tzinfo=UTC)
    assert series.last == datetime(2012, 3, 9, 5, tzinfo=UTC)
    assert (series.count, series.adjusted, series.updated_at) == (5, True, NOW)
    assert series.fingerprint == store.fingerprint_of(bars)
    assert files(bar_store) == series.paths == [f"csv/ACME/1Day.all.{series.fingerprint[:16]}.parquet"]
    assert same(stored(), bars)
    assert imported.series.pk == series.pk
    assert str(imported) == (
        "ACME 1Day: 5 bars added, 0 replaced. 5 bars from 2012-03-05 to 2012-03-09, split-adjusted."
    )


def test_a_later_file_is_appended(
    bar_store: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    bars = daily_bars(10)
    import_file(bars[:6])
    with django_capture_on_commit_callbacks(execute=True):
        imported = import_file(bars[4:], now=LATER)
    assert same(stored(), bars)
    assert (imported.added, imported.replaced) == (4, 0)
    series = BarSeries.objects.get()
    assert (series.count, series.updated_at) == (10, LATER)
    kept = PreviousVersion.objects.get()
    assert (kept.count, kept.updated_at, kept.kept_at) == (6, NOW, LATER)
    assert files(bar_store) == sorted(series.paths + kept.paths)


def test_earlier_bars_are_inserted_before_later_ones() -> None:
    bars = daily_bars(10)
    import_file(bars[6:])
    import_file(bars[:6])
    assert same(stored(), bars)


def test_the_same_file_again_changes_nothing(
    bar_store: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    import_file(daily_bars(5))
    with django_capture_on_commit_callbacks(execute=True):
        imported = import_file(daily_bars(5))
    assert (imported.added, imported.replaced) == (0, 0)
    assert same(stored(), daily_bars(5))
    assert len(files(bar_store)) == 1


def test_bars_that_differ_are_refused_unless_replace_is_set() -> None:
    bars = daily_bars(5)
    import_file(bars)
    corrected = Bars(bars.time, bars.open, bars.high, bars.low, bars.close + 0.25, bars.volume)[3:]
    with pytest.raises(ImportRefused, match=r"^2 bars .* 2012-03-08") as refusal:
        import_file(corrected)
    assert refusal.value.field == "replace"
    assert same(stored(), bars)
    imported = import_file(corrected, replace=True)
    assert (imported.added, imported.replaced) == (0, 2)
    assert stored().close.tolist() == [10.0, 11.0, 12.0, 13.25, 14.25]


def test_adjusted_and_unadjusted_bars_are_never_mixed() -> None:
    bars = daily_bars(6)
    import_file(bars[:4])
    with pytest.raises(ImportRefused, match="from 2012-03-05 to 2012-03-08") as refusal:
        import_file(bars[3:], adjusted=False, replace=True)
    assert refusal.value.field == "adjusted"
    assert BarSeries.objects.get().adjusted
    import_file(bars, adjusted=False)
    assert not BarSeries.objects.get().adjusted
    assert BarSeries.objects.get().count == 6


def test_prices_adjusted_by_the_file_are_stored_as_adjusted() -> None:
    header = HEADER.replace("Close", "Close,Adj Close")
    imported = import_file(f"{header}\n2012-03-05,9.5,11,9,10,5,1000\n".encode(), adjusted=False)
    assert imported.series.adjusted
    assert stored().close.tolist() == [5.0]


def test_rows_on_days_without_a_session_are_counted() -> None:
    saturday = f"{HEADER}\n2012-03-02,9.5,11,9,10,1\n2012-03-03,9.5,11,9,10,1\n".encode()
    imported = import_file(saturday)
    assert [(each.name, each.count) for each in imported.findings] == [("outside_session", 1)]
    assert [each.name for each in imported.series.doubts] == ["outside_session"]


def test_a_download_that_differs_in_the_seventh_digit_is_the_same() -> None:
    bars = daily_bars(5, price=100.0)
    import_file(bars)
    # As prices that went through numbers of seven digits.
    again = Bars(bars.time, *(column * (1 + 3e-7) for column in bars.values()))
    imported = import_file(csv_of(again))
    assert (imported.added, imported.replaced) == (0, 0)
    assert same(stored(), bars)


def test_the_size_of_the_differences_is_said() -> None:
    bars = daily_bars(5, price=100.0)
    import_file(bars)
    close = bars.close + np.array([0, 0, 0.25, 0.5, 0])
    corrected = Bars(bars.time, bars.open, bars.high, bars.low, close, bars.volume)
    with pytest.raises(ImportRefused, match=r"^2 bars .* by up to 0.49%: close 103 is now 103.5 on 2012-03-08"):
        import_file(corrected)
    assert "2 replaced, by up to 0.49%: close 103 is now 103.5 on 2012-03-08" in str(
        import_file(corrected, replace=True)
    )


def test_bars_of_another_adjustment_are_said_to_be() -> None:
    bars = daily_bars(10, price=100.0)
    import_file(bars)
    halved = scaled(bars, slice(None), 1 / 2)
    with pytest.raises(ImportRefused, match=r"one factor, 0\.5: .* Download the whole history again"):
        import_file(halved[3:])
    with pytest.raises(FindingsRefused) as refusal:
        import_file(halved[3:], replace=True)
    assert [each.name for each in refusal.value.findings] == ["seam"]
    assert import_file(halved, replace=True).findings == []


def test_appended_bars_bring_their_findings() -> None:
    bars = daily_bars(30, price=100.0)
    import_file(bars[:25])
    split = scaled(bars, slice(None), 1 / 4)
    key = SeriesKey("csv", "ACME", "1Day")
    for row in range(25, 30):
        append_bars(key, split[row : row + 1], adjusted=True, now=LATER)
    (found,) = BarSeries.objects.get().doubts
    assert (found.name, found.is_open, found.spans[0].start) == ("split", True, to_datetime(bars.time[25]))
    doubts = read_doubts(0, [BarsUse(["ACME", "NONE"], "1Day", date(2012, 3, 5), day) for day in DAYS_AROUND])
    assert [len(each) for each in doubts] == [0, 1]


def test_an_unknown_finding_cannot_be_accepted() -> None:
    with pytest.raises(ImportRefused, match=r"^“splits” is not a finding\.") as refusal:
        import_file(daily_bars(5), accept=["splits"])
    assert refusal.value.field == "accept"


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"symbol": "../x"}, "symbol", "is not a symbol"),
        (
            {"timeframe": "2Day"},
            "timeframe",
            f"“2Day” is not a timeframe. Use one of {', '.join(Timeframe)}.",
        ),
        ({"provider": "sample"}, "provider", "“sample” is not a provider. Use csv."),
        ({"provider": "../csv"}, "provider", "is not a provider"),
    ],
)
def test_an_invalid_part_of_the_key_is_refused_at_its_field(
    bar_store: Path, changes: dict[str, str], field: str, message: str
) -> None:
    with pytest.raises(ImportRefused, match=message) as refusal:
        import_file(daily_bars(), **changes)
    assert refusal.value.field == field
    assert not BarSeries.objects.exists()
    assert files(bar_store) == []


def test_every_timeframe_is_a_series_of_its_own() -> None:
    import_file(daily_bars(3))
    minutes = f"{HEADER}\n2012-03-05 09:30,9.5,11,9,10,1000\n2012-03-05 09:31,9.5,11,9,10,1000\n".encode()
    import_file(minutes, timeframe="1Min")
    assert load_bars(None, "ACME", "1Day").time[0].item().date() == date(2012, 3, 5)
    assert len(load_bars(None, "ACME", "1Min")) == 2


@pytest.mark.parametrize("change", [{"count": 0}, {"last": datetime(2000, 1, 1, tzinfo=UTC)}])
def test_the_database_refuses_an_impossible_series(change: dict[str, Any]) -> None:
    import_file(daily_bars(3))
    with pytest.raises(IntegrityError, match="bar_series_"):
        BarSeries.objects.update(**change)
