"""An import that fails halfway or meets another one: the old bars or the new ones, never half of both."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.marketdata.examples import csv_of, daily_bars
from tests.marketdata.imports import files, import_file, same, stored
from tradedesk.core.bars import Bars
from tradedesk.marketdata import series as series_module
from tradedesk.marketdata import store
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.refusal import ImportRefused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bar_store")]


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
