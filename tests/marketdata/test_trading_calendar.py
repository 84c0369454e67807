import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import exchange_calendars
import numpy as np
import pytest
from pytest_django import Settings

from tradedesk.marketdata import trading_calendar
from tradedesk.marketdata.trading_calendar import TradingCalendar


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    settings.DATA_DIR = tmp_path
    trading_calendar.installed_calendar.cache_clear()
    yield tmp_path
    trading_calendar.installed_calendar.cache_clear()


@pytest.fixture
def never_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def compute() -> TradingCalendar:
        raise AssertionError("computed although it was stored")

    monkeypatch.setattr(trading_calendar, "_compute", compute)


def equal(one: TradingCalendar, other: TradingCalendar) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("dates", "opens", "closes"))


def test_it_equals_exchange_calendars(folder: Path) -> None:
    found = trading_calendar.installed_calendar()
    source = exchange_calendars.get_calendar("XNYS", start="1990-01-01", end="2030-12-31")
    rows = (found.dates >= np.datetime64("1990-01-01")) & (found.dates <= np.datetime64("2030-12-31"))
    assert found.dates[rows].tolist() == [session.date() for session in source.sessions]
    opens, closes = source.opens.dt.tz_localize(None), source.closes.dt.tz_localize(None)
    assert np.array_equal(found.opens[rows], opens.to_numpy("datetime64[us]"))
    assert np.array_equal(found.closes[rows], closes.to_numpy("datetime64[us]"))
    assert found.opens.dtype == found.closes.dtype == np.dtype("datetime64[us]")


def test_it_is_computed_once_and_then_stored(folder: Path, request: pytest.FixtureRequest) -> None:
    first = trading_calendar.installed_calendar()
    assert [file.name for file in folder.iterdir()] == ["sessions.npz"]
    trading_calendar.installed_calendar.cache_clear()
    request.getfixturevalue("never_computed")
    assert equal(trading_calendar.installed_calendar(), first)


@pytest.mark.parametrize("rest", [0, 100, 100_000])
def test_a_damaged_file_is_written_again(folder: Path, rest: int) -> None:
    first = trading_calendar.installed_calendar()
    file = folder / "sessions.npz"
    whole = file.read_bytes()
    file.write_bytes(whole[:rest])
    trading_calendar.installed_calendar.cache_clear()
    assert equal(trading_calendar.installed_calendar(), first)
    assert len(file.read_bytes()) == len(whole)


def test_another_version_of_the_library_computes_it_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trading_calendar.installed_calendar()
    trading_calendar.installed_calendar.cache_clear()
    other = TradingCalendar(*(np.array(["2020-01-02"], dtype=f"datetime64[{unit}]") for unit in ("D", "us", "us")))
    monkeypatch.setattr(trading_calendar, "_compute", lambda: other)
    monkeypatch.setattr(trading_calendar, "version", lambda _: "999")
    assert equal(trading_calendar.installed_calendar(), other)


def test_once_it_is_stored_no_reader_of_bars_imports_pandas(folder: Path, bar_store: Path) -> None:
    trading_calendar.installed_calendar()
    # pandas costs each process half a second and 55 MB.
    program = """
import sys, django
from datetime import UTC, datetime
from io import BytesIO
django.setup()
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata import library, sessions, services, store
from tradedesk.marketdata.readers import read_file
from tradedesk.marketdata.samples import sample_bars
bars = sample_bars("AAPL")
assert len(library.closed(bars, "1Day", datetime(2012, 3, 5, tzinfo=UTC))) == 3021
store.write("csv/AAPL/x.parquet", bars)
store.read("csv/AAPL/x.parquet", store.fingerprint_of(bars))
read_file(BytesIO(store.encode(bars)), 'x', Timeframe.DAY, adjusted=True)
sessions.is_open(datetime(2012, 3, 5, tzinfo=UTC))
print(sorted({"pandas", "exchange_calendars"} & set(sys.modules)))
"""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tradedesk.settings.test", "DESK_DATA_DIR": str(folder)}
    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.returncode) == ("[]\n", 0), run.stderr
