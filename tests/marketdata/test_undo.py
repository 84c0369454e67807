"""Deleting and restoring: nothing is lost before the next change, and nothing in use is taken away."""

from collections.abc import Collection
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests.livetrading.factories import make_paper_trade
from tests.marketdata.examples import csv_of, daily_bars
from tests.marketdata.quality_series import scaled, walk
from tradedesk.accounts.models import User
from tradedesk.core.bars import Bars, session_dates, to_datetime
from tradedesk.marketdata import store
from tradedesk.marketdata.library import NoBars, load_bars
from tradedesk.marketdata.models import BarSeries, PreviousVersion
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.series import LONGEST_WRITE, SeriesKey, save_series
from tradedesk.marketdata.services import import_bars, load_samples
from tradedesk.marketdata.undo import delete_range, delete_series, restore

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bar_store")]

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def put(bars: Bars, owner_id: int | None = None, symbol: str = "ACME", accept: Collection[str] = ()) -> BarSeries:
    imported = import_bars(
        BytesIO(csv_of(bars)),
        owner_id=owner_id,
        symbol=symbol,
        timeframe="1Day",
        provider="csv",
        adjusted=True,
        replace=True,
        accept=accept,
        now=NOW,
    )
    return imported.series


def prints(owner_id: int | None = None) -> str:
    return store.fingerprint_of(load_bars(owner_id, "ACME", "1Day"))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*.parquet")}


def named() -> set[str]:
    return {
        path
        for model in (BarSeries, PreviousVersion)
        for row in model._default_manager.all()
        for path in row.paths
    }


def test_an_import_is_undone_and_done_again(
    bar_store: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    expected = []
    with django_capture_on_commit_callbacks(execute=True):
        for bars in (daily_bars(5), daily_bars(9), daily_bars(9, price=20.0)):
            put(bars)
            expected.append(store.fingerprint_of(bars))
    for fingerprint in (expected[1], expected[2], expected[1]):
        with django_capture_on_commit_callbacks(execute=True):
            restore(PreviousVersion.objects.get(), NOW)
        assert prints() == fingerprint
    assert files(bar_store) == named()
    assert len(named()) == 2


def test_a_deleted_series_is_gone_and_comes_back_bit_for_bit(
    bar_store: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    series = put(daily_bars(5))
    with django_capture_on_commit_callbacks(execute=True):
        delete_series(series, NOW)
    with pytest.raises(NoBars):
        load_bars(None, "ACME", "1Day")
    # An import of another timeframe cleans the folder, an hour later, and leaves the kept version alone.
    with django_capture_on_commit_callbacks(execute=True):
        hourly = SeriesKey("csv", "ACME", "1Hour")
        later = datetime.now(UTC) + 2 * LONGEST_WRITE
        save_series(hourly, daily_bars(3), adjusted=True, stored=None, now=later)
    with django_capture_on_commit_callbacks(execute=True):
        restore(PreviousVersion.objects.get(), NOW)
    assert prints() == store.fingerprint_of(daily_bars(5))
    assert not PreviousVersion.objects.exists()
    assert files(bar_store) == named()


def test_a_range_is_deleted_with_both_days() -> None:
    series = put(daily_bars(10))
    assert delete_range(series, date(2012, 3, 7), date(2012, 3, 9), NOW) == 3
    assert [str(day)[:10] for day in load_bars(None, "ACME", "1Day").time[:3]] == [
        "2012-03-05",
        "2012-03-06",
        "2012-03-12",
    ]
    with pytest.raises(ImportRefused, match="no bars in this range"):
        delete_range(BarSeries.objects.get(), None, date(2012, 3, 4), NOW)
    assert delete_range(BarSeries.objects.get(), date(2012, 3, 5), None, NOW) == 7
    assert not BarSeries.objects.exists()
    assert PreviousVersion.objects.get().count == 7


def test_what_is_doubtful_about_the_bars_that_stay_is_kept() -> None:
    half = scaled(walk(3), slice(250, None), 0.5)
    put(half[:250])
    put(half[250:], accept=["seam"])
    series = BarSeries.objects.get()
    days = session_dates(half.time)
    # The seam moves to the next bar that is left; days that are missing now are a gap.
    delete_range(series, days[240].item(), days[251].item(), NOW)
    series.refresh_from_db()
    assert [(each.name, each.count, each.is_open) for each in series.doubts] == [
        ("seam", 1, False),
        ("gap", 12, False),
    ]
    assert series.doubts[0].spans[0].start == to_datetime(half.time[252])
    delete_range(series, None, days[252].item(), NOW)
    assert BarSeries.objects.get().doubts == []


def test_what_has_changed_since_it_was_read_is_not_deleted_or_restored() -> None:
    put(daily_bars(5))
    old = put(daily_bars(6))
    version = PreviousVersion.objects.get()
    put(daily_bars(7))
    for action in (
        lambda: delete_series(old, NOW),
        lambda: delete_range(old, date(2012, 3, 5), date(2012, 3, 5), NOW),
        lambda: restore(version, NOW),
    ):
        with pytest.raises(ImportRefused, match="just now"):
            action()
    assert (BarSeries.objects.get().count, PreviousVersion.objects.get().count) == (7, 6)


def test_bars_in_use_stay_for_those_who_read_them(alice: User, bob: User) -> None:
    shared = put(daily_bars(5))
    put(daily_bars(6))
    own = put(daily_bars(7), alice.pk)
    make_paper_trade(user=alice, symbol="ACME")
    # Alice reads her own series: the one for all users is free, hers is not.
    shared.refresh_from_db()
    version = PreviousVersion.objects.get()
    with pytest.raises(ImportRefused, match="1 account holds it"):
        delete_series(own, NOW)
    delete_range(shared, date(2012, 3, 5), date(2012, 3, 5), NOW)
    version = PreviousVersion.objects.get()
    make_paper_trade(user=bob, symbol="ACME")
    shared.refresh_from_db()
    for action in (
        lambda: delete_series(shared, NOW),
        lambda: delete_range(shared, date(2012, 3, 6), date(2012, 3, 6), NOW),
        lambda: restore(version, NOW),
    ):
        with pytest.raises(ImportRefused, match="in use: 1 account holds it"):
            action()
    assert BarSeries.objects.count() == 2
    assert BarSeries.objects.get(owner=None).count == 5


def test_the_samples_and_a_version_without_files_are_refused(bar_store: Path) -> None:
    load_samples(NOW)
    with pytest.raises(ImportRefused, match="sample bars"):
        delete_series(BarSeries.objects.get(symbol="IBM"), NOW)
    delete_series(put(daily_bars(5)), NOW)
    version = PreviousVersion.objects.get()
    (bar_store / version.paths[0]).unlink()
    with pytest.raises(ImportRefused, match="1 of its files are missing"):
        restore(version, NOW)


def test_a_user_has_a_limited_number_of_series_bars_and_versions(settings: Settings, alice: User) -> None:
    settings.MAX_SERIES_PER_USER, settings.MAX_BARS_PER_USER = 2, 20
    one = put(daily_bars(8), alice.pk, "ONE")
    two = put(daily_bars(8), alice.pk, "TWO")
    with pytest.raises(ImportRefused, match="2 series"):
        put(daily_bars(1), alice.pk, "THREE")
    with pytest.raises(ImportRefused, match="would have 13 bars"):
        put(daily_bars(13), alice.pk, "TWO")
    put(daily_bars(30), None, "ALL")
    two = put(daily_bars(12), alice.pk, "TWO")
    for series in (one, two):
        delete_series(series, NOW)
    three = put(daily_bars(15), alice.pk, "THREE")
    delete_series(three, NOW)
    assert [version.symbol for version in PreviousVersion.objects.filter(owner=alice)] == ["THREE"]


def test_the_bars_of_a_deleted_user_are_deleted(
    bar_store: Path, alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    put(daily_bars(4))
    put(daily_bars(5), alice.pk)
    put(daily_bars(6), alice.pk)
    assert sum(path.startswith(f"user-{alice.pk}/") for path in files(bar_store)) == 2
    with django_capture_on_commit_callbacks(execute=True):
        alice.delete()
    assert files(bar_store) == named()
    assert len(named()) == 1


def test_the_commands(alice: User, capsys: Any) -> None:
    put(daily_bars(5))
    put(daily_bars(8), alice.pk)
    call_command(
        "delete_bars", "acme", "--user", "ALICE@example.com", "--from", "2012-03-05", "--to", "2012-03-06"
    )
    assert len(load_bars(alice.pk, "ACME", "1Day")) == 6
    call_command("restore_bars", "ACME", "--user", "alice@example.com")
    assert len(load_bars(alice.pk, "ACME", "1Day")) == 8
    call_command("delete_bars", "ACME")
    assert BarSeries.objects.get().owner == alice
    make_paper_trade(user=alice, symbol="ACME")
    for arguments in (
        ["delete_bars", "ACME"],
        ["delete_bars", "ACME", "--user", "alice@example.com"],
        ["delete_bars", "ACME", "--user", "nobody@example.com"],
        ["restore_bars", "ACME", "--user", "alice@example.com"],
    ):
        with pytest.raises(CommandError):
            call_command(*arguments)
    assert BarSeries.objects.get().count == 8
