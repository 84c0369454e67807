import gzip
import io
import json
import zipfile
from datetime import date, datetime, time
from typing import Any

import openpyxl
import pytest

from tests.marketdata.examples import csv_of, daily_bars
from tests.marketdata.readers.reading import read, read_all, same
from tradedesk.core.bars import COLUMNS, Timeframe
from tradedesk.marketdata.import_files import ImportOptions, read_files
from tradedesk.marketdata.readers import archives, choose, excel
from tradedesk.marketdata.refusal import ImportRefused

BAR: dict[str, Any] = {"t": "2012-03-05T05:00:00Z", "o": 9.5, "h": 11, "l": 9, "c": 10, "v": 1000, "vw": 10.1}
NEXT: dict[str, Any] = {"t": "2012-03-06T05:00:00Z", "o": 10.5, "h": 12, "l": 10, "c": 11, "v": 1000}


def zip_of(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def workbook(*sheets: tuple[str, list[list[Any]]]) -> bytes:
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("document", "symbol"),
    [
        ({"bars": {"AAPL": [BAR, NEXT]}, "next_page_token": None}, "AAPL"),
        ({"bars": [BAR, NEXT], "symbol": "AAPL"}, "AAPL"),
        ({"ticker": "AAPL", "results": [BAR | {"t": 1330923600000}, NEXT | {"t": 1331010000000}]}, "AAPL"),
        ([BAR, NEXT], ""),
        (
            {
                "Meta Data": {"2. Symbol": "AAPL"},
                "Time Series (Daily)": {
                    str(bar["t"])[:10]: {f"{n}. {name}": bar[name[0]] for n, name in enumerate(COLUMNS[1:], 1)}
                    for bar in (BAR, NEXT)
                },
            },
            "AAPL",
        ),
        ([{"S": "AAPL", "T": "b", **BAR}, {"S": "AAPL", "T": "b", **NEXT}], "AAPL"),
    ],
)
def test_bars_in_json_are_read(document: Any, symbol: str) -> None:
    found = read(json.dumps(document))
    assert (found.symbol, found.place(1)) == (symbol, "Bar 2")
    assert same(found.bars, daily_bars(2))


def test_one_object_a_line_is_read_and_numbers_keep_all_digits() -> None:
    found = read(f"{json.dumps(BAR)}\n{json.dumps(NEXT | {'c': 10.123456789012345})}\n")
    assert found.bars.close.tolist() == [10.0, 10.123456789012345]


def test_several_symbols_and_a_page_of_several_are_told() -> None:
    one, other = read_all(json.dumps({"bars": {"A": [BAR], "B": [NEXT]}, "next_page_token": "x"}))
    assert (one.symbol, other.symbol) == ("A", "B")
    assert "next_page_token" in one.notes[0]


@pytest.mark.parametrize("text", ['{"a": 1}', "[1, 2]", '{"bars": null}', '{"bars": ', "[" * 100_000, "[]"])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ImportRefused, match="JSON"):
        read(text)


def test_a_workbook_is_read_with_its_types() -> None:
    rows = [[datetime(2012, 3, 5 + row), 9.5 + row, 11 + row, 9 + row, 10 + row, 1000] for row in range(3)]  # noqa: DTZ001 - as in a workbook
    titles = ["Date", "Open", "High", "Low", "Close", "Volume"]
    found = read(workbook(("AAPL", [["Apple"], [], titles, *rows]), ("Notes", [["bought in May"]])))
    assert same(found.bars, daily_bars(3))
    assert (found.place(0), found.source) == ("Row 4", "acme.csv")
    clock = [[date(2012, 3, 5), time(9, 30), 9.5, "$11", 9, 10, "1.0K"]]
    hours = read(workbook(("S", [["Date", "Time", *titles[1:]], *clock])), Timeframe.HOUR)
    assert str(hours.bars.time[0])[:16] == "2012-03-05T14:30"
    assert (hours.bars.high[0], hours.bars.volume[0]) == (11.0, 1000.0)


def test_each_sheet_is_a_series_called_by_its_name() -> None:
    rows: list[list[Any]] = [["Date", "Open", "High", "Low", "Close"], [date(2012, 3, 5), 1, 2, 1, 2]]
    found = read_all(workbook(("AAPL", rows), ("MSFT", rows)))
    assert [symbol for symbol, _ in choose(found, "")] == ["AAPL", "MSFT"]
    assert [series.source for _, series in choose(found, "MSFT")] == ["MSFT"]


def test_without_openpyxl_a_workbook_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "find_spec", lambda _: None)
    with pytest.raises(ImportRefused, match="pip install openpyxl"):
        read(workbook(("S", [["x"]])))


def test_a_workbook_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "MAX_BYTES", 1000)
    with pytest.raises(ImportRefused, match="unpacks to more than"):
        read(workbook(("S", [["x"]])))


def test_compressed_files_are_read() -> None:
    assert same(read(gzip.compress(csv_of(daily_bars(3)))).bars, daily_bars(3))
    files = {"x/aapl.us.txt": csv_of(daily_bars(3)), "MSFT.csv": csv_of(daily_bars(2)), "__MACOSX/._a.csv": b"x"}
    found = read_all(zip_of(**files))
    assert [(symbol, len(series.bars)) for symbol, series in choose(found, "")] == [("MSFT", 2), ("AAPL", 3)]


def test_nothing_is_unpacked_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand times smaller than what is in it, as made files are."""
    monkeypatch.setattr(archives, "MAX_BYTES", 3 << 20)
    for bomb in (zip_of(**{"a.csv": b"0" * (8 << 20)}), gzip.compress(b"0" * (8 << 20))):
        with pytest.raises(ImportRefused, match="unpacks to more than 3 MB"):
            read(bomb)
    # Files in files share one limit.
    packed = gzip.compress(b"0" * (2 << 20))
    *_, last = read_files(io.BytesIO(zip_of(a=packed, b=packed)), "bomb.zip", ImportOptions())
    assert "unpacks to more than 3 MB" in str(last.refusal)
    monkeypatch.setattr(archives, "MAX_MEMBERS", 1)
    with pytest.raises(ImportRefused, match="more than 1 files"):
        read(zip_of(a=b"", b=b""))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xd0\xcf\x11\xe0old", "save it as .xlsx or CSV"),
        (b"%PDF-1.4", "PDF"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"  <table><tr>", "web page"),
        (b"7z\xbc\xaf\x27\x1c", "Unpack it"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"SQLite format 3\x00", "database"),
        (zip_of(a=b"")[:30], "damaged"),
        (b"\x1f\x8bnonsense", "damaged"),
        (zip_of(), "empty"),
        (zip_of(**{"b.zip": zip_of(a=b"")}), "archive in an archive"),
        (zip_of(mimetype=b"application/vnd.oasis.opendocument.spreadsheet"), "Save the table as CSV"),
        (b"PAR1 but nothing more", "The Parquet file could not be read"),
    ],
    # A ZIP has the time in it, and every worker must give the tests the same names.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_files_are_refused_with_what_to_do(content: bytes, message: str) -> None:
    with pytest.raises(ImportRefused, match=message):
        read(content)
