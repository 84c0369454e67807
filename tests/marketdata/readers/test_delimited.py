from io import RawIOBase

import pytest
from hypothesis import given

from tests.marketdata.examples import HEADER, any_bars, csv_of, daily_bars
from tests.marketdata.readers.reading import FIRST, SECOND, THIRD, lines, read, same
from tradedesk.core.bars import COLUMNS, Bars, Timeframe
from tradedesk.marketdata.readers import delimited, read_file, table
from tradedesk.marketdata.refusal import ImportRefused


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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_the_usual_encodings_are_read(encoding: str) -> None:
    text = lines(FIRST, SECOND, THIRD, header=f"Société – cours\n\n{HEADER}")
    assert same(read(text.encode(encoding)).bars, daily_bars(3))


def test_another_encoding_may_show_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "HEAD", 100)
    content = lines(f"{FIRST},x", f"{SECOND},x", f"{THIRD},été", header=f"{HEADER},note").encode("cp1252")
    assert same(read(content).bars, daily_bars(3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x00" * (2 << 20), "it has no lines"),
        (
            HEADER.encode("utf-16") + "\n2012-03-05,1,2,1,2,5\n".encode("utf-16-le") + b"1",
            "could not be read as CSV",
        ),
        (b"\x01\x02\xff\xfe\x00\n" * 100, "is not text"),
        (HEADER.encode() + b"\n" + b"9" * 200_000 + b",1,1,1,1,1\n", "its lines are too long"),
    ],
)
def test_an_unreadable_file_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ImportRefused, match=message):
        read(content)


def test_lines_that_are_no_bars_are_left_out_and_counted() -> None:
    """As sites write them: titles again in files put together, dividends, empty lines, a closing line."""
    ends = ["", "*Close price adjusted for splits.", "Downloaded at 5 pm, by a vendor", ""]
    inside = ["", HEADER, SECOND, "2012-03-06,0.24 Dividend", ",,,,,", "# page 2"]
    found = read(lines(FIRST, *inside, THIRD, *ends))
    assert same(found.bars, daily_bars(3))
    assert [found.place(row) for row in range(3)] == ["Line 2", "Line 5", "Line 9"]
    assert set(found.notes) == {
        "Below the last row, “*Close price adjusted for splits.” was left out.",
        "Rows of dividends and splits were left out: 1.",
        "Repeated column names were left out: 1.",
        "Lines that begin with # were left out: 1.",
        "Empty rows were left out: 2.",
    }


def test_a_line_of_another_shape_is_bad_wherever_it_stands() -> None:
    message = (
        r"^2 of 4 rows are bad. Line 3: it has 4 values, but the file has 6 columns: “2012-03-06,1,2,3”. Line 5:"
    )
    with pytest.raises(ImportRefused, match=message):
        read(lines(FIRST, "2012-03-06,1,2,3", SECOND, "2012-03-07,11.5,13"))


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
    monkeypatch.setattr(delimited, "_rows", lambda *_: pytest.fail("it was parsed"))
    with pytest.raises(ImportRefused, match="more than 5,000,000 rows"):
        read_file(file, "acme.csv", Timeframe.DAY, adjusted=True)  # type: ignore[arg-type]  # only the methods it needs
    assert file.bytes_read < (5_000_000 * len(GeneratedFile.ROW)) + (2 << 20)


def test_the_limit_itself_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_ROWS", 3)
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


def test_the_example_files_contain_the_example_bars() -> None:
    assert same(read(csv_of(daily_bars(30))).bars, daily_bars(30))
