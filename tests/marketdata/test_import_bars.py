"""The service that imports a file of bars."""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError
from pytest_django import DjangoCaptureOnCommitCallbacks

from tests.marketdata.examples import HEADER, csv_of, daily_bars
from tradedesk.core.bars import Bars
from tradedesk.marketdata import series as series_module
from tradedesk.marketdata import store
from tradedesk.marketdata.library import load_bars
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.services import Imported, import_bars

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 6, 12, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bar_store")]


def import_file(content: bytes | Bars, **changes: Any) -> Imported:
    file = BytesIO(csv_of(content) if isinstance(content, Bars) else content)
    values: dict[str, Any] = {
        "symbol": "ACME",
        "timeframe": "1Day",
        "provider": "csv",
        "adjusted": True,
        "replace": False,
        "now": NOW,
    }
    return import_bars(file, **values | changes)


def stored() -> Bars:
    return load_bars("ACME", "1Day")


def same(one: Bars, other: Bars) -> bool:
    return store.fingerprint_of(one) == store.fingerprint_of(other)


def files(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


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
    assert files(bar_store) == series.paths


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
    assert imported.off_session == 1
    assert "Rows on days without a NYSE session: 1." in str(imported)


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"symbol": "../x"}, "symbol", "is not a symbol"),
        (
            {"timeframe": "2Day"},
            "timeframe",
            "“2Day” is not a timeframe. Use one of 1Min, 5Min, 15Min, 1Hour, 1Day.",
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


def test_an_invalid_row_changes_nothing(bar_store: Path) -> None:
    import_file(daily_bars(5))
    before, kept = files(bar_store), BarSeries.objects.values().get()
    with pytest.raises(ImportRefused, match="Line 21"):
        import_file(csv_of(daily_bars(19)) + b"2012-04-30,1,0.5,1,1,1\n")
    assert files(bar_store) == before
    assert BarSeries.objects.values().get() == kept
    assert same(stored(), daily_bars(5))


def test_a_full_disk_changes_nothing(bar_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_file(daily_bars(5))
    before, kept = files(bar_store), BarSeries.objects.values().get()

    def disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(ImportRefused, match="No space left on device"):
        import_file(daily_bars(9))
    assert files(bar_store) == before
    assert BarSeries.objects.values().get() == kept
    assert same(stored(), daily_bars(5))


def test_a_process_that_ends_between_file_and_row_leaves_the_old_bars(
    bar_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_file(daily_bars(5))

    def die(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(series_module, "_row_updated", die)
    with pytest.raises(KeyboardInterrupt):
        import_file(daily_bars(9))
    monkeypatch.undo()
    assert same(stored(), daily_bars(5))
    import_file(daily_bars(9))
    assert same(stored(), daily_bars(9))


def run_before_the_write(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Call `act` once, after the service has read the stored bars and before it writes."""
    write = store.write

    def write_after(path: str, bars: Bars) -> None:
        monkeypatch.setattr(store, "write", write)
        act()
        write(path, bars)

    monkeypatch.setattr(store, "write", write_after)


@pytest.mark.parametrize("there_before", [False, True])
def test_bars_of_another_import_at_the_same_time_are_not_lost(
    monkeypatch: pytest.MonkeyPatch, there_before: bool
) -> None:
    bars = daily_bars(10)
    if there_before:
        import_file(bars[:2])
    run_before_the_write(monkeypatch, lambda: import_file(bars[:6]))
    with pytest.raises(ImportRefused, match="Another import or feed changed the bars of ACME"):
        import_file(bars[6:])
    assert same(stored(), bars[:6])
    import_file(bars[6:])
    assert same(stored(), bars)


@pytest.mark.parametrize("there_before", [False, True])
def test_two_imports_of_one_file_at_the_same_time_are_not_a_conflict(
    monkeypatch: pytest.MonkeyPatch, there_before: bool
) -> None:
    if there_before:
        import_file(daily_bars(2))
    run_before_the_write(monkeypatch, lambda: import_file(daily_bars(6)))
    import_file(daily_bars(6))
    assert same(stored(), daily_bars(6))


def test_after_its_file_is_deleted_a_series_can_be_imported_again(bar_store: Path) -> None:
    import_file(daily_bars(5))
    path = BarSeries.objects.get().paths[0]
    (bar_store / path).write_bytes(b"damaged")
    with pytest.raises(ImportRefused, match="is damaged"):
        import_file(daily_bars(5))
    (bar_store / path).unlink()
    import_file(daily_bars(5))
    assert same(stored(), daily_bars(5))


def test_every_timeframe_is_a_series_of_its_own() -> None:
    import_file(daily_bars(3))
    minutes = f"{HEADER}\n2012-03-05 09:30,9.5,11,9,10,1000\n2012-03-05 09:31,9.5,11,9,10,1000\n".encode()
    import_file(minutes, timeframe="1Min")
    assert load_bars("ACME", "1Day").time[0].item().date() == date(2012, 3, 5)
    assert len(load_bars("ACME", "1Min")) == 2


@pytest.mark.parametrize("change", [{"count": 0}, {"last": datetime(2000, 1, 1, tzinfo=UTC)}])
def test_the_database_refuses_an_impossible_series(change: dict[str, Any]) -> None:
    import_file(daily_bars(3))
    with pytest.raises(IntegrityError, match="bar_series_"):
        BarSeries.objects.update(**change)
