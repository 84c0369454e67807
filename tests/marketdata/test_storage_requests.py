"""What changes of a series read from and write to object storage."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from tests.marketdata.examples import daily_bars, minute_bars
from tests.marketdata.minute_series import (
    KEY,
    NOW,
    append,
    bars_columns,
    changed,
    import_all,
    same,
    stored_bars,
)
from tests.marketdata.object_storage import ObjectStorage
from tradedesk.core.bars import Bars
from tradedesk.marketdata import bar_folder
from tradedesk.marketdata.library import CACHE
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.series import SeriesKey, save_series
from tradedesk.object_storage import Folder


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[ObjectStorage]:
    storage = ObjectStorage()
    monkeypatch.setattr(bar_folder, "bar_folder", lambda: Folder(storage.filesystem(), "bucket"))
    CACHE.clear()
    yield storage
    CACHE.clear()


def test_a_new_bar_reads_and_writes_only_the_tail(
    objects: ObjectStorage,
    django_assert_num_queries: DjangoAssertNumQueries,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    bars = minute_bars(20_000)
    import_all(bars[:-2])
    old = append(bars[-2:-1])
    objects.log.clear()
    with django_capture_on_commit_callbacks(execute=True), django_assert_num_queries(4):
        new = append(bars[-1:])  # the series, its update, and the two of a savepoint
    tail, replaced = (f"bucket/{series.paths[-1]}" for series in (new, old))
    assert objects.log == [("get", replaced), ("put", tail), ("delete", replaced)]
    assert len(objects.objects[tail]) < 3_000


def test_a_new_bar_leaves_the_history_in_memory(objects: ObjectStorage) -> None:
    bars = minute_bars(2_000)
    import_all(bars[:-1])
    stored_bars()
    series = append(bars[-1:])
    objects.log.clear()
    assert same(stored_bars(), bars)
    assert objects.log == [("get", f"bucket/{series.paths[-1]}")]
    stored_bars()
    assert len(objects.log) == 1


def test_an_import_writes_only_the_years_that_it_changes(objects: ObjectStorage) -> None:
    old, new = minute_bars(5, "2011-03-05T15:00"), minute_bars(5, "2012-03-05T15:00")
    both = Bars(*map(np.concatenate, zip(bars_columns(old), bars_columns(new), strict=True)))
    import_all(both)
    objects.log.clear()
    series = import_all(changed(both, 7))
    assert [request for request in objects.log if request[0] == "put"] == [("put", f"bucket/{series.paths[1]}")]
    stored_bars()
    objects.log.clear()
    import_all(both)
    assert same(stored_bars(), both)
    assert [key for method, key in objects.log if method == "get"] == [
        f"bucket/{BarSeries.objects.get().paths[1]}"
    ]


def test_an_upload_that_fails_changes_nothing(objects: ObjectStorage) -> None:
    def fail() -> None:
        raise OSError("The network is down.")

    import_all(minute_bars(3))
    before, kept = dict(objects.objects), BarSeries.objects.values().get()
    objects.fails = fail
    with pytest.raises(ImportRefused, match=r"could not be stored \(The network is down.\). Nothing was changed"):
        append(minute_bars(4))
    assert objects.objects == before
    assert BarSeries.objects.values().get() == kept


def test_files_left_over_by_killed_writers_are_deleted_with_the_next_history(
    objects: ObjectStorage, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    save_series(SeriesKey("csv", "ACME", "1Day"), daily_bars(), adjusted=True, stored=None, now=NOW)
    import_all(minute_bars(3))
    named = set(objects.objects)
    objects.put("bucket/csv/ACME/.1234.partial", b"half")
    objects.put("bucket/csv/ACME/1Min.tail.0000000000000000.parquet", b"")
    objects.put("bucket/csv/ACMEX/1Min.tail.0000000000000000.parquet", b"of another symbol")
    now = datetime.now(UTC)
    with django_capture_on_commit_callbacks(execute=True):
        save_series(KEY, minute_bars(3), adjusted=True, stored=None, now=now + timedelta(minutes=59))
    assert len(objects.objects) == len(named) + 3  # they may belong to a writer that is still at work
    with django_capture_on_commit_callbacks(execute=True):
        save_series(KEY, minute_bars(3), adjusted=True, stored=None, now=now + timedelta(minutes=61))
    assert set(objects.objects) == named | {"bucket/csv/ACMEX/1Min.tail.0000000000000000.parquet"}
