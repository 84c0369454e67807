import pytest

from tests.marketdata.examples import daily_bars
from tests.marketdata.readers.reading import FIRST, SECOND, lines, read, read_all, same
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.refusal import ImportRefused

ROWS = "2012-03-05,9.5,11,9,10,1000\n2012-03-06,10.5,12,10,11,1000\n"


@pytest.mark.parametrize(
    "header",
    [
        "date,open,high,low,close,volume",
        "<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>",
        "Datetime,Open,High,Low,Close/Last,Vol.",
        "timestamp, open , high , low , close , volume ",
        "t,o,h,l,c,v",
        "Time,Open,High,Low,Last,Volume",
        "Open time,1. open,2. high,3. low,4. close,5. volume",
        "Date,Open (USD),High (USD),Low (USD),Close* (USD),Volume BTC",
        "Datum,Eröffnung,Hoch,Tief,Schluss,Volumen",
        "Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen",
        ',"AAPL.Open","AAPL.High","AAPL.Low","AAPL.Close","AAPL.Volume"',
        "Date,Open_AAPL,High_AAPL,Low_AAPL,Close_AAPL,Volume_AAPL",
        "XYZ Corp. prices\n\nDate,Open,High,Low,Close,Volume",
        ",Open,High,Low,Close,Volume",
        "Open,High,Low,Close,Volume",  # R leaves out the title of its row names
    ],
)
def test_titles_are_known_in_their_usual_forms(header: str) -> None:
    assert same(read(f"{header}\n{ROWS}").bars, daily_bars(2))


def test_the_surest_of_several_titles_counts() -> None:
    header = "Date,Last,Price,Volume MA,Tick Volume,Change %,Open,High,Low,Close,Volume"
    row = "2012-03-05,1,2,3,4,5%,9.5,11,9,10,1000\n"
    assert same(read(f"{header}\n{row}").bars, daily_bars(1))


@pytest.mark.parametrize(
    "content",
    [
        ROWS,
        ROWS.replace(",", ";").replace("-", "").replace("11;1000", "11;1000"),
        ROWS.replace("-03-0", ".03.0").replace("05,", "05,00:00,").replace("06,", "06,00:00,"),
        ROWS.replace("2012", "X,D,2012"),
        "\n".join(f"{row},0,7" for row in ROWS.splitlines()),
    ],
)
def test_a_file_may_begin_with_its_first_bar(content: str) -> None:
    found = read(content)
    assert same(found.bars, daily_bars(2))
    assert "no column names" in found.notes[0]
    assert found.place(0) == "Line 1"


def test_columns_of_several_symbols_are_a_series_each() -> None:
    """As yfinance saves them, with the symbols below or above the titles."""
    below = (
        "Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\nTicker,A,B,A,B,A,B,A,B,A,B\nDate,,,,,,,,,,\n"
    )
    above = (
        "Ticker,A,B,A,B,A,B,A,B,A,B\nPrice,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\nDate,,,,,,,,,,\n"
    )
    for header in (below, above):
        one, other = read_all(
            f"{header}2012-03-05,10,20,11,21,9,19,9.5,19.5,1000,5\n2012-03-06,11,,12,,10,,10.5,,1000,\n"
        )
        assert (one.symbol, other.symbol) == ("A", "B")
        assert same(one.bars, daily_bars(2))
        assert other.bars.close.tolist() == [20.0]
        assert one.place(0) == "Line 4"


def test_what_the_columns_of_times_hold_decides_which_counts() -> None:
    clock = "Date,Time,Open,High,Low,Close,Volume\n2012-03-05,09:30,1,2,1,2,5\n"
    both = "unix,date,symbol,open,high,low,close,Volume BTC\n1330957800,2012-03-05 09:00:00,BTC/USD,1,2,1,2,5\n"
    index = ",Date,Open,High,Low,Close,Volume\n0,2012-03-05 09:30,1,2,1,2,5\n"
    for content in (clock, both, index):
        assert str(read(content, Timeframe.HOUR).bars.time[0])[:16] == "2012-03-05T14:30"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Date,Close\n2012-03-05,1\n", "Missing columns: open, high, low. The file has “Date”, “Close”."),
        ("Day,Opening\n2012-03-05,1\n", "No row of the file names its columns. It begins with “Day Opening”."),
        ("a,Open,High,Low,Close\nx,1,2,1,2\n", "Missing column: time."),
        ("Date,Open,High,Low,Close,close,Volume\n", "“Close” and “close” could both be the column close."),
        ("Date,Open,High,Low,Close,Volume\n", "The file has no rows below its column names"),
        ("", "The file is empty."),
        ("hello world\nthis is nothing\n", "No row of the file names its columns."),
    ],
)
def test_missing_and_ambiguous_titles_are_named(content: str, message: str) -> None:
    with pytest.raises(ImportRefused) as refusal:
        read(content)
    assert str(refusal.value).startswith(message)


def test_values_without_a_title_are_refused_and_unknown_titles_are_no_bar() -> None:
    for row in ("2012-03-05,9,5,11,0,9,0,10,0,1000", "2012-03-05,9.5,11,9,10,1000,77"):
        with pytest.raises(ImportRefused, match=r"The rows have \d+ values, but the file names 6 columns"):
            read(lines(row, row.replace("03-05", "03-06")))
    with pytest.raises(ImportRefused, match=r"It begins with “Date BidOpen"):
        read(lines(FIRST, SECOND, header="Date,BidOpen,BidHigh,BidLow,BidClose,Ticks"))
    with pytest.raises(ImportRefused, match=r"by spaces alone"):
        read("Date  Open  High  Low  Close\n2012-03-05  9.5  11  9  10\n")
    # The names of R's rows stand in front, and have no title.
    assert len(read(lines(f"1,{FIRST}", f"2,{SECOND}")).bars) == 2


def test_the_numbers_of_rows_are_no_symbols() -> None:
    found = read(f"0,{FIRST}\n1,{SECOND}\n")
    assert (found.symbol, len(found.bars)) == ("", 2)
    assert read(f"700,{FIRST}\n700,{SECOND}\n").symbol == "700"
