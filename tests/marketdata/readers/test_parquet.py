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
from tradedesk.marketdata.readers import parquet as parquet_reader
from tradedesk.marketdata.readers import parquet_process, read_file, table
from tradedesk.marketdata.refusal import ImportRefused


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process for each of hundreds of files would take minutes."""
    monkeypatch.setattr(parquet_reader, "decode", parquet_process.decode_here)


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
    (found,) = read_file(file, "acme.parquet", timeframe, adjusted=True)
    return found.bars


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
    moments = [datetime(2012, 3, 5, 9, 30 + minute) for minute in range(3)]  # noqa: DTZ001 - as pandas saves them
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


def test_text_and_categories_are_read_like_those_of_a_csv() -> None:
    text = parquet(Date=["03/05/2012", "03/06/2012", "03/13/2012"], Open=["$9.5", "$10.5", "$11.5"])
    assert read(text).open.tolist() == [9.5, 10.5, 11.5]
    symbols = pa.array(["A", "B", "A"]).dictionary_encode()
    found = read_file(parquet(symbol=symbols), "acme.parquet", Timeframe.DAY, adjusted=True)
    assert [(series.symbol, len(series.bars)) for series in found] == [("A", 2), ("B", 1)]


@pytest.mark.parametrize("scale", [1, 1e3, 1e6, 1e9])
@pytest.mark.parametrize("kind", [pa.int64(), pa.float64()])
def test_numbers_since_1970_are_told_apart_by_their_size(scale: float, kind: pa.DataType) -> None:
    moments = [int(1_330_957_800 * scale + day * 86_400 * scale) for day in range(3)]
    assert same(read(parquet(Date=pa.array(moments, pa.int64()).cast(kind, safe=False))), daily_bars(3))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Open": ["9.5", "abc", "11.5"]}, "1 of 3 rows is bad. Row 2: Open is “abc”, not a number."),
        ({"Open": [True, False, True]}, "A column of prices or of the volume contains bool, not numbers."),
        ({"Open": [9.5, None, 11.5]}, "1 of 3 rows is bad. Row 2: Open is missing."),
        ({"High": [11.0, 9.0, 13.0]}, "1 of 3 rows is bad. Row 2: high 9 is below low 10."),
        ({"Date": [DAYS[0], None, DAYS[2]]}, "1 of 3 rows is bad. Row 2: the time is missing."),
        ({"Date": [True, False, True]}, "The column of times contains bool."),
        ({"Date": ["2012-03-05", "soon", "later"]}, "2 of 3 rows are bad. Row 2: “soon” is not a time"),
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
    with pytest.raises(ImportRefused, match=r"Missing columns: open, high, low. The file has “Date”, “Close”"):
        read(buffer)


def test_a_file_without_rows_is_refused() -> None:
    with pytest.raises(ImportRefused, match="no rows"):
        read(BytesIO(store.encode(daily_bars(3)[:0])))


@pytest.mark.parametrize("cut", [10, 300])
def test_a_truncated_file_is_refused(cut: int) -> None:
    with pytest.raises(ImportRefused, match="The Parquet file could not be read"):
        read(BytesIO(parquet().getvalue()[:-cut]))


def test_too_many_rows_are_refused_before_any_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_ROWS", 2)
    monkeypatch.setattr(pq.ParquetFile, "read", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(ImportRefused, match="more than 2 rows"):
        read(parquet())


def test_another_process_decodes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    here = read(parquet())
    monkeypatch.setattr(parquet_reader, "decode", parquet_process.decode)
    assert same(read(parquet()), here)


def test_a_refusal_of_the_other_process_has_its_reason() -> None:
    texts = []
    for decode in (parquet_process.decode, parquet_process.decode_here):
        with pytest.raises(ImportRefused, match="could not be read") as refusal:
            decode(b"PAR1 nonsense PAR1")
        texts.append(str(refusal.value))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("limit", ["SECONDS", "MAX_MEMORY"])
def test_a_file_that_needs_too_much_ends_the_other_process_alone(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if limit == "SECONDS":
        monkeypatch.setattr(parquet_process, "SECONDS", 0.01)
        with pytest.raises(ImportRefused, match="too much memory or time"):
            parquet_process.decode(parquet().getvalue())
    else:
        monkeypatch.setattr(parquet_process, "MAX_DECODED", 10)
        with pytest.raises(ImportRefused, match="MB when it is decoded"):
            parquet_process.decode_here(parquet().getvalue())
