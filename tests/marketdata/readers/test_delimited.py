from io import BytesIO, RawIOBase

import numpy as np
import pytest
from hypothesis import given

from tests.marketdata.examples import HEADER, any_bars, csv_of, daily_bars
from tradedesk.core.bars import COLUMNS, Bars, Timeframe
from tradedesk.marketdata import store
from tradedesk.marketdata.readers import FileBars, columns, delimited, read_bars
from tradedesk.marketdata.refusal import ImportRefused

FIRST, SECOND, THIRD = (
    "2012-03-05,9.5,11,9,10,1000",
    "2012-03-06,10.5,12,10,11,1000",
    "2012-03-07,11.5,13,11,12,1000",
)


def read(text: str | bytes, timeframe: Timeframe = Timeframe.DAY, *, adjusted: bool = True) -> FileBars:
    return read_bars(BytesIO(text.encode() if isinstance(text, str) else text), timeframe, adjusted=adjusted)


def lines(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows, ""])


def same(one: Bars, other: Bars) -> bool:
    return store.fingerprint_of(one) == store.fingerprint_of(other)


def test_it_reads_a_plain_file() -> None:
    assert same(read(lines(FIRST, SECOND, THIRD)).bars, daily_bars(3))


@pytest.mark.parametrize(
    "header",
    [
        "date,open,high,low,close,volume",
        "DATE,OPEN,HIGH,LOW,CLOSE,VOLUME",
        "Datetime,Open,High,Low,Close,Vol",
        "timestamp, open , high , low , close , volume ",
        "t,o,h,l,c,v",
        "\ufeffDate,Open,High,Low,Close,Volume",
        '"Date","Open","High","Low","Close","Volume"',
    ],
)
def test_it_knows_the_usual_names_of_columns(header: str) -> None:
    assert same(read(lines(FIRST, SECOND, THIRD, header=header)).bars, daily_bars(3))


def test_columns_may_have_any_order_and_others_are_ignored() -> None:
    text = "Symbol,Volume,Close,Low,High,Open,VWAP,Date\nX,1000,10,9,11,9.5,,2012-03-05\n"
    assert same(read(text).bars, daily_bars(1))


@pytest.mark.parametrize(
    "text",
    [
        lines(FIRST, SECOND, THIRD).replace("\n", "\r\n"),
        lines(FIRST, SECOND, THIRD).replace(",", ";"),
        lines(FIRST, SECOND, THIRD).replace(",", "\t"),
        lines(FIRST, "", SECOND, "  ", ",,,,,", THIRD, "", ""),
        lines(FIRST, SECOND, THIRD).rstrip("\n"),
        lines(FIRST, SECOND, THIRD).replace("9.5", '"9.5"').replace("1000", "1e3"),
    ],
)
def test_it_reads_the_usual_variants_of_csv(text: str) -> None:
    assert same(read(text).bars, daily_bars(3))


@given(any_bars(max_size=10))
def test_numbers_written_with_all_digits_are_read_bit_for_bit(bars: Bars) -> None:
    rows = zip(*(getattr(bars, name).tolist() for name in COLUMNS[1:]), strict=True)
    text = lines(*(f"{time}+00:00," + ",".join(map(repr, row)) for time, row in zip(bars.time, rows, strict=True)))
    assert same(read(text, Timeframe.MINUTE).bars, bars)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([FIRST, "2012-03-06,abc,12,10,11,1000"], "Line 3: Open is “abc”, not a number."),
        ([FIRST, "2012-03-06,10.5,12,10,$11,1000"], "Line 3: Close is “$11”, not a number."),
        ([FIRST, "", "2012-03-06,10.5,12,10,11,many"], "Line 4: Volume is “many”, not a number."),
        ([FIRST, "2012-03-06,nan,12,10,11,1000"], "Line 3 (2012-03-06 05:00): open is missing or not a number."),
        ([FIRST, "2012-03-06,10.5,,10,11,1000"], "Line 3 (2012-03-06 05:00): high is missing or not a number."),
        ([FIRST, "2012-03-06,10.5,12,N/A,11,1000"], "Line 3 (2012-03-06 05:00): low is missing or not a number."),
        (
            [FIRST, "2012-03-06,10.5,12,10,inf,1000"],
            "Line 3 (2012-03-06 05:00): close is missing or not a number.",
        ),
        ([FIRST, "2012-03-06,10.5,12,10,11,"], "Line 3 (2012-03-06 05:00): volume is missing or negative."),
        ([FIRST, "2012-03-06,10.5,12,10,11,-1"], "Line 3 (2012-03-06 05:00): volume is missing or negative."),
        ([FIRST, "2012-03-06,10.5,12,0,11,1000"], "Line 3 (2012-03-06 05:00): low is zero or negative."),
        ([FIRST, "2012-03-06,11,10,12,11,1000"], "Line 3 (2012-03-06 05:00): high is below low."),
        (
            [FIRST, "2012-03-06,13,12,10,11,1000"],
            "Line 3 (2012-03-06 05:00): open or close is not between low and high.",
        ),
        (
            [SECOND, FIRST],
            "Line 3 (2012-03-05 05:00 UTC) is earlier than the row before it. Sort the file by time",
        ),
        ([FIRST, "", FIRST], "Line 4 (2012-03-05 05:00 UTC) has the same time as the row before it."),
        ([FIRST, "06.03.2012,1,1,1,1,1"], "Line 3: “06.03.2012” is not a time. Write it like 2012-03-05."),
        ([FIRST, ",1,1,1,1,1"], "Line 3: “” is not a time."),
        ([FIRST, "2012-03-06,10.5,12,10"], "Line 3 has 4 values, but the file has 6 columns."),
        ([FIRST, "2012-03-06,10,5,12,10,11,1000"], "Line 3 has 7 values, but the file has 6 columns."),
        ([], "The file has no rows below its column names."),
    ],
)
def test_an_invalid_row_is_named_by_its_line(rows: list[str], message: str) -> None:
    with pytest.raises(ImportRefused) as refusal:
        read(lines(*rows))
    assert str(refusal.value).startswith(message)
    assert refusal.value.field == "file"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "Date,Open,High,Low,Close",
            "Missing column: volume. The file has “Date”, “Open”, “High”, “Low”, “Close”.",
        ),
        ("Date,Price", "Missing columns: open, high, low, close, volume. The file has “Date”, “Price”."),
        ("2012-03-05,9.5,11,9,10,1000", "Missing columns: time, open, high, low, close, volume."),
        (
            "Date,Time,Open,High,Low,Close,Volume",
            "“Date” and “Time” could both be the column time. Keep one of them.",
        ),
        ("Date,Open,High,Low,Close,close,Volume", "“Close” and “close” could both be the column close."),
    ],
)
def test_missing_and_ambiguous_columns_are_named(header: str, message: str) -> None:
    with pytest.raises(ImportRefused) as refusal:
        read(lines(FIRST, header=header))
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty"),
        (b"\n" + HEADER.encode() + b"\n", "begins with an empty line"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe" * 10, "neither Parquet nor a CSV in UTF-8"),
        (b"\x00" * (2 << 20), "it has no lines"),
        (HEADER.encode() + b"\n2012-03-05,9.5,11,9,10,\xff\n", "neither Parquet nor a CSV in UTF-8"),
        (HEADER.encode() + b"\n" + b"9" * 200_000 + b",1,1,1,1,1\n", "could not be read as CSV: field larger"),
        (b"PAR1 but nothing more", "The Parquet file could not be read"),
    ],
)
def test_an_unreadable_file_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ImportRefused, match=message):
        read(content)


class GeneratedFile(RawIOBase):
    """A CSV file of any number of rows, which are never all in memory. Counts the bytes that were read."""

    ROW = b"2012-03-05,9.5,11,9,10,1000\n"

    def __init__(self, rows: int) -> None:
        self.left, self.bytes_read = rows * len(self.ROW), 0

    def read(self, size: int = -1) -> bytes:
        size = min(size, self.left)
        self.left -= size
        self.bytes_read += size
        return (self.ROW * (size // len(self.ROW) + 1))[:size]

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0


def test_ten_million_rows_are_refused_before_any_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    file = GeneratedFile(10_000_000)
    monkeypatch.setattr(delimited, "_read", lambda *_: pytest.fail("it was parsed"))
    with pytest.raises(ImportRefused, match="more than 5,000,000 rows"):
        read_bars(file, Timeframe.DAY, adjusted=True)  # type: ignore[arg-type]
    assert file.bytes_read < (5_000_000 * len(GeneratedFile.ROW)) + (2 << 20)


def test_the_limit_itself_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "MAX_ROWS", 3)
    assert len(read(lines(FIRST, SECOND, THIRD)).bars) == 3
    with pytest.raises(ImportRefused, match="more than 3 rows"):
        read(lines(FIRST, SECOND, THIRD, "2012-03-08,12.5,14,12,13,1000"))


@pytest.fixture
def with_adjusted_close() -> str:
    header = HEADER.replace("Close", "Close,Adj Close")
    return lines("2012-03-05,9.5,11,9,10,5,1000", "2012-03-06,10.5,12,10,11,11,1000", header=header)


def test_prices_are_adjusted_by_the_adjusted_close_when_they_are_not_adjusted(with_adjusted_close: str) -> None:
    found = read(with_adjusted_close, adjusted=False)
    assert found.adjusted
    assert found.bars.open.tolist() == [4.75, 10.5]
    assert found.bars.close.tolist() == [5.0, 11.0]
    assert found.bars.volume.tolist() == [2000.0, 1000.0]


def test_adjusted_prices_stay_as_they_are(with_adjusted_close: str) -> None:
    found = read(with_adjusted_close, adjusted=True)
    assert found.adjusted
    assert found.bars.close.tolist() == [10.0, 11.0]


def test_prices_without_an_adjusted_close_stay_unadjusted() -> None:
    found = read(lines(FIRST, SECOND), adjusted=False)
    assert not found.adjusted
    assert found.bars.close.tolist() == [10.0, 11.0]


@pytest.mark.parametrize("value", ["", "0", "-1", "nan"])
def test_an_invalid_adjusted_close_is_named_by_its_line(value: str) -> None:
    header = HEADER.replace("Close", "Close,Adj_Close")
    with pytest.raises(ImportRefused, match="Line 2: adjusted close is missing or not above zero"):
        read(lines(f"2012-03-05,9.5,11,9,10,{value},1000", header=header), adjusted=False)


def test_times_without_a_zone_are_new_york_time() -> None:
    text = lines(FIRST.replace("2012-03-05", "2012-03-05 09:30"), header=HEADER.replace("Date", "Datetime"))
    assert read(text, Timeframe.MINUTE).bars.time[0] == np.datetime64("2012-03-05T14:30")


def test_the_example_files_contain_the_example_bars() -> None:
    assert same(read(csv_of(daily_bars(30))).bars, daily_bars(30))
