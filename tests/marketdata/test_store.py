import hashlib
import os
import struct
import threading
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.marketdata.examples import any_bars, daily_bars
from tradedesk.core.bars import COLUMNS, Bars
from tradedesk.marketdata import store


def path_of(bars: Bars) -> str:
    return store.bars_path("csv", "AAPL", "1Day", "all", store.fingerprint_of(bars), owner_id=None)


def same(one: Bars, other: Bars) -> bool:
    return all(
        getattr(one, name).dtype == getattr(other, name).dtype
        and np.array_equal(getattr(one, name), getattr(other, name))
        for name in COLUMNS
    )


@given(any_bars())
def test_encoded_bars_decode_to_the_same_bits(bars: Bars) -> None:
    back = store.decode(store.encode(bars))
    assert same(back, bars)
    assert back.time.dtype == np.dtype("datetime64[us]")
    assert store.fingerprint_of(back) == store.fingerprint_of(bars)


def test_a_slice_is_encoded_without_the_rest_of_its_array() -> None:
    bars = daily_bars(20)[3:11]
    assert same(store.decode(store.encode(bars)), bars)


def test_decoded_bars_are_read_only() -> None:
    bars = store.decode(store.encode(daily_bars()))
    with pytest.raises(ValueError, match="read-only"):
        bars.close[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        bars.time[0] = bars.time[1]


def test_the_fingerprint_is_the_sha256_of_the_columns_bytes() -> None:
    bars = daily_bars(1)
    # 2012-03-05 05:00 UTC in microseconds, then open, high, low, close, volume, calculated manually.
    expected = struct.pack("<q5d", 1_330_923_600_000_000, 9.5, 11.0, 9.0, 10.0, 1000.0)
    assert store.fingerprint_of(bars) == hashlib.sha256(expected).hexdigest()


@given(any_bars(), st.sampled_from(COLUMNS), st.data())
def test_a_fingerprint_changes_with_any_value(bars: Bars, name: str, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(bars) - 1))
    changed = {column: getattr(bars, column).copy() for column in COLUMNS}
    if name == "time":
        changed[name][row] += np.timedelta64(1, "us")
    else:
        changed[name][row] = np.nextafter(changed[name][row], np.inf)
    assert store.fingerprint_of(Bars(**changed)) != store.fingerprint_of(bars)


def test_written_bars_can_be_read(bar_store: Path) -> None:
    bars = daily_bars()
    path = path_of(bars)
    store.write(path, bars)
    assert same(store.read(path, store.fingerprint_of(bars)), bars)
    assert [file.name for file in (bar_store / "csv" / "AAPL").iterdir()] == [Path(path).name]


def test_a_missing_file_is_an_error(bar_store: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.read(path_of(daily_bars()), "0" * 64)


def test_a_failed_write_leaves_the_old_file_and_no_partial_file(
    bar_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = daily_bars()
    path = path_of(bars)
    store.write(path, bars)

    def disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        store.write(path, daily_bars(9))
    assert same(store.read(path, store.fingerprint_of(bars)), bars)
    assert [file.name for file in (bar_store / "csv" / "AAPL").iterdir()] == [Path(path).name]


def test_a_reader_never_sees_half_a_file(bar_store: Path) -> None:
    one, other = daily_bars(300), daily_bars(300, price=50.0)
    path, known = path_of(one), {store.fingerprint_of(one), store.fingerprint_of(other)}
    store.write(path, one)
    stop = threading.Event()

    def write_on() -> None:
        while not stop.is_set():
            store.write(path, other)
            store.write(path, one)

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        seen = {store.fingerprint_of(store.decode((bar_store / path).read_bytes())) for _ in range(200)}
    finally:
        stop.set()
        writer.join()
    assert seen <= known


@pytest.mark.parametrize("rest", [0, 10, 500])
def test_a_damaged_file_is_refused_and_the_message_says_what_to_do(bar_store: Path, rest: int) -> None:
    bars = daily_bars()
    path = path_of(bars)
    store.write(path, bars)
    file = bar_store / path
    file.write_bytes(file.read_bytes()[:rest])
    with pytest.raises(store.DamagedBars, match=r"csv/AAPL/1Day.* is damaged. Delete it, then import the bars"):
        store.read(path, store.fingerprint_of(bars))


def test_a_file_that_does_not_match_its_fingerprint_is_refused(bar_store: Path) -> None:
    bars = daily_bars()
    store.write(path_of(bars), daily_bars(price=99.0))
    with pytest.raises(store.DamagedBars):
        store.read(path_of(bars), store.fingerprint_of(bars))


def test_a_parquet_file_with_other_columns_is_not_a_bar_file() -> None:
    buffer = BytesIO()
    pq.write_table(pa.table({"time": ["x"], **{name: [1.0] for name in COLUMNS[1:]}}), buffer)
    with pytest.raises(store.DamagedBars, match="time is string"):
        store.decode(buffer.getvalue())


def test_a_file_without_a_column_or_with_missing_values_is_not_a_bar_file() -> None:
    table = pq.read_table(BytesIO(store.encode(daily_bars(2))))
    gaps = pa.array([1.0, None])
    for changed in (table.drop_columns(["close"]), table.set_column(4, "close", gaps)):
        buffer = BytesIO()
        pq.write_table(changed, buffer)
        with pytest.raises(store.DamagedBars, match="close"):
            store.decode(buffer.getvalue())
