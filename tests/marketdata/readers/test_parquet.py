from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given

from tests.marketdata.examples import any_bars, daily_bars
from tradedesk.core.bars import Bars, Timeframe, session_dates
from tradedesk.marketdata import store
from tradedesk.marketdata.readers import columns, read_bars
from tradedesk.marketdata.refusal import ImportRefused


def parquet(**changes: Any) -> BytesIO:
    bars = daily_bars(3)
    table = {
        "Date": [day.item() for day in session_dates(bars.time)],
        "Open": bars.open.tolist(),
        "High": bars.high.tolist(),
        "Low": bars.low.tolist(),
        "Close": bars.close.tolist(),
        "Volume": bars.volume.tolist(),
    }
    buffer = BytesIO()
    pq.write_table(pa.table(table | changes), buffer)
    buffer.seek(0)
    return buffer


def read(file: BytesIO, timeframe: Timeframe = Timeframe.DAY) -> Bars:
    return read_bars(file, timeframe, adjusted=True).bars


def same(one: Bars, other: Bars) -> bool:
    return store.fingerprint_of(one) == store.fingerprint_of(other)


@given(any_bars())
def test_a_file_of_the_store_is_read_bit_for_bit(bars: Bars) -> None:
    assert same(read(BytesIO(store.encode(bars)), Timeframe.MINUTE), bars)


DAYS = [date(2012, 3, 5), date(2012, 3, 6), date(2012, 3, 7)]
MIDNIGHTS = [datetime(day.year, day.month, day.day) for day in DAYS]  # noqa: DTZ001 - as pandas saves dates


@pytest.mark.parametrize(
    "times",
    [
        pa.array(DAYS, pa.date32()),
        pa.array(DAYS, pa.date64()),
        pa.array(MIDNIGHTS, pa.timestamp("s")),
        pa.array(MIDNIGHTS, pa.timestamp("ns")),
        pa.array(MIDNIGHTS, pa.timestamp("ms", tz="UTC")),
        pa.array([moment.replace(hour=5) for moment in MIDNIGHTS], pa.timestamp("us", tz="America/New_York")),
        pa.array([str(day) for day in DAYS], pa.string()),
        pa.array([str(day) for day in DAYS], pa.large_string()),
    ],
    ids=str,
)
def test_it_reads_every_type_of_date(times: pa.Array) -> None:
    assert same(read(parquet(Date=times)), daily_bars(3))


def test_timestamps_keep_their_time_and_naive_ones_are_new_york_time() -> None:
    moments = [datetime(2012, 3, 5, 9, 30 + minute) for minute in range(3)]  # noqa: DTZ001
    expected = ["2012-03-05T14:30:00.000000", "2012-03-05T14:31:00.000000", "2012-03-05T14:32:00.000000"]
    naive = read(parquet(Date=pa.array(moments, pa.timestamp("ns"))), Timeframe.MINUTE)
    assert naive.time.astype(str).tolist() == expected
    in_utc = [moment.replace(hour=14) for moment in moments]
    aware = read(parquet(Date=pa.array(in_utc, pa.timestamp("ns", tz="Europe/Berlin"))), Timeframe.MINUTE)
    assert aware.time.astype(str).tolist() == expected


def test_it_reads_a_file_of_pandas() -> None:
    bars = daily_bars(3)
    frame = pd.DataFrame(
        {"open": bars.open, "high": bars.high, "low": bars.low, "close": bars.close, "volume": bars.volume},
        index=pd.DatetimeIndex([str(day) for day in DAYS]),
    )
    buffer = BytesIO()
    frame.to_parquet(buffer)
    buffer.seek(0)
    assert same(read(buffer), bars)


def test_whole_numbers_and_decimals_are_prices_too() -> None:
    bars = read(parquet(Volume=[1000, 1000, 1000], Close=[Decimal("10.00"), Decimal("11.00"), Decimal("12.00")]))
    assert same(bars, daily_bars(3))


def test_a_file_with_several_row_groups_is_read_whole() -> None:
    buffer = BytesIO()
    pq.write_table(pq.read_table(BytesIO(store.encode(daily_bars(100)))), buffer, row_group_size=7)
    buffer.seek(0)
    assert same(read(buffer), daily_bars(100))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Open": ["9.5", "abc", "11.5"]}, "Column Open contains string, not numbers."),
        ({"Open": [9.5, None, 11.5]}, "Row 2 (2012-03-06 05:00): open is missing or not a number."),
        ({"High": [11.0, 9.0, 13.0]}, "Row 2 (2012-03-06 05:00): high is below low."),
        ({"Date": [DAYS[0], None, DAYS[2]]}, "Row 2: the time is missing."),
        ({"Date": [DAYS[0], DAYS[2], DAYS[1]]}, "Row 3 (2012-03-06 05:00 UTC) is earlier than the row before it."),
        (
            {"Date": [DAYS[0], DAYS[1], DAYS[1]]},
            "Row 3 (2012-03-06 05:00 UTC) has the same time as the row before",
        ),
        ({"Date": [1.0, 2.0, 3.0]}, "Column Date contains double. Times must be dates, timestamps or text."),
        ({"Date": ["2012-03-05", "soon", "later"]}, "Row 2: “soon” is not a time."),
        ({"Time": DAYS}, "“Date” and “Time” could both be the column time."),
    ],
)
def test_an_invalid_row_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ImportRefused) as refusal:
        read(parquet(**changes))
    assert str(refusal.value).startswith(message)


def test_missing_columns_are_named() -> None:
    buffer = BytesIO()
    pq.write_table(pa.table({"Date": DAYS, "Close": [1.0, 2.0, 3.0]}), buffer)
    buffer.seek(0)
    with pytest.raises(
        ImportRefused, match=r"Missing columns: open, high, low, volume. The file has “Date”, “Close”"
    ):
        read(buffer)


def test_a_file_without_rows_is_refused() -> None:
    with pytest.raises(ImportRefused, match="no rows"):
        read(BytesIO(store.encode(daily_bars(3)[:0])))


@pytest.mark.parametrize("cut", [10, 300])
def test_a_truncated_file_is_refused(cut: int) -> None:
    with pytest.raises(ImportRefused, match="The Parquet file could not be read"):
        read(BytesIO(parquet().getvalue()[:-cut]))


def test_too_many_rows_are_refused_before_any_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "MAX_ROWS", 2)
    monkeypatch.setattr(pq.ParquetFile, "read", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(ImportRefused, match="more than 2 rows"):
        read(parquet())
