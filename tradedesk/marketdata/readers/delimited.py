"""Text: bars separated by commas, semicolons, tabs or bars, in any usual encoding."""

import csv
import io
import re
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from tradedesk.marketdata.readers import dates, headings, table
from tradedesk.marketdata.readers.arrays import is_equal, mask, one_array, text_array
from tradedesk.marketdata.readers.headings import Layout
from tradedesk.marketdata.readers.table import Places, Table, too_many_rows
from tradedesk.marketdata.refusal import ImportRefused

CHUNK = 1 << 20
# The first part of the file, in which the column names stand.
HEAD = 1 << 16
SEPARATORS = ",;\t|"
NUMBER = re.compile(r"\s*\"?[-+$€£]?[\d][\d.,' ]*[KMB%]?\"?\s*", re.IGNORECASE)
BLANK = re.compile(r"[\s,;\t|\"\x1a]*")
EVENT = re.compile(r"dividend|split", re.IGNORECASE)
# More rows of another shape than this, and the file is no table.
MAX_MISSHAPEN = 100_000


def read_delimited(file: BinaryIO, name: str) -> Table:
    """The rows of a text file. Raises ImportRefused."""
    _check_lines(file)
    head = file.read(HEAD)
    file.seek(0)
    encoding = _encoding(head)
    text = head.decode(encoding, errors="ignore")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(head) == HEAD:
        lines = lines[:-1]  # it may be cut
    if not any(map(str.strip, lines)):
        raise ImportRefused("The file is empty.")
    separator, grid = _separated(lines)
    layout = headings.find_layout(grid, decimal_comma=separator == ";")
    # Another encoding may show only after the head.
    for attempt in dict.fromkeys((encoding, "cp1252" if encoding == "utf-8-sig" else encoding)):
        file.seek(0)
        try:
            return _rows(file, name, attempt, separator, layout, grid)
        except (pa.ArrowException, UnicodeError) as error:
            reason = str(error)[:200]
            if not isinstance(error, UnicodeError) and "UTF8" not in reason:
                break
    raise ImportRefused(f"The file could not be read as CSV: {reason}.")


def _check_lines(file: BinaryIO) -> None:
    """Refuse a file that is too long or not text, before anything is parsed."""
    lines = 0
    while chunk := file.read(CHUNK):
        ends = chunk.count(b"\n") or chunk.count(b"\r")
        if not ends and len(chunk) == CHUNK:
            raise ImportRefused("The file is not a table: it has no lines.")
        lines += ends
        if lines > table.MAX_ROWS + headings.LOOK_AT:
            raise too_many_rows()
    file.seek(0)


def _encoding(head: bytes) -> str:
    """UTF-8, UTF-16 by its mark or its many zero bytes, else the Windows character set. Raises ImportRefused."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if not head.startswith(b"\x00\x00") and (zeros := head.count(0)):
        if zeros < len(head) // 3:
            raise ImportRefused("The file is not text. Export it as CSV, Excel (.xlsx) or Parquet.")
        return "utf-16-le" if head[1:2] == b"\x00" else "utf-16-be"
    try:
        io.TextIOWrapper(io.BytesIO(head[:-3] if len(head) == HEAD else head), "utf-8").read()
    except UnicodeDecodeError:
        if sum(byte < 9 or 13 < byte < 32 for byte in head) > len(head) // 100:
            raise ImportRefused("The file is not text. Export it as CSV, Excel (.xlsx) or Parquet.") from None
        return "cp1252"
    return "utf-8-sig"


def _separated(lines: list[str]) -> tuple[str, list[list[str]]]:
    """The separator, and the lines divided by it: the one that shows the most names of prices and numbers."""
    grids: dict[str, list[list[str]]] = {}
    for separator in SEPARATORS:
        try:
            grids[separator] = [next(csv.reader([line], delimiter=separator), []) for line in lines]
        except csv.Error as error:
            raise ImportRefused(f"The file could not be read as CSV: {error}.") from None
    look = slice(headings.LOOK_AT)

    def score(separator: str) -> tuple[int, int]:
        cells = (cell for row in grids[separator][look] for cell in row[1:])
        return headings.score(grids[separator]), sum(NUMBER.fullmatch(cell) is not None for cell in cells)

    best = max(SEPARATORS, key=score)
    return best, grids[best]


def _rows(
    file: BinaryIO, name: str, encoding: str, separator: str, layout: Layout, grid: list[list[str]]
) -> Table:
    sample = [len(row) for row in grid[layout.first : layout.first + headings.SAMPLE] if any(row)]
    if not sample:
        raise ImportRefused("The file has no rows below its column names, or its lines are too long for a table.")
    width = max(set(sample), key=sample.count)
    misshapen: list[tuple[int, str, int]] = []

    def keep(row: arrow_csv.InvalidRow) -> str:
        misshapen.append((row.number, row.text, row.actual_columns))
        return "skip" if len(misshapen) < MAX_MISSHAPEN else "error"

    width = max(width, max(layout.positions, default=0) + 1)
    columns = [str(position) for position in range(width)]
    used = [str(position) for position in layout.positions]
    found = arrow_csv.read_csv(
        file,
        arrow_csv.ReadOptions(
            use_threads=False,
            skip_rows=layout.first,
            column_names=columns,
            encoding="utf8" if encoding == "utf-8-sig" else encoding,
        ),
        arrow_csv.ParseOptions(delimiter=separator, ignore_empty_lines=False, invalid_row_handler=keep),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            include_columns=used,
            strings_can_be_null=False,
            quoted_strings_can_be_null=False,
        ),
    )
    total = found.num_rows + len(misshapen)
    inside = np.ones(total, dtype=bool)
    inside[[number - layout.first - 1 for number, _, _ in misshapen]] = False
    places = Places("Line", np.flatnonzero(inside) + layout.first + 1)
    priced = np.flatnonzero(~mask(is_equal(one_array(found.column(str(layout.price))), "")))
    last = int(places.numbers[priced[-1]]) if len(priced) else 0
    bad, notes = _judged(misshapen, separator, width, last)
    if len(places.numbers) > table.MAX_ROWS:
        raise too_many_rows()
    return Table(
        layout=layout,
        columns={position: one_array(found.column(str(position))) for position in layout.positions},
        places=places,
        notes=(*layout.notes, *notes),
        decimal_comma=separator == ";",
        misshapen=tuple(bad),
        source=name,
    )


def _judged(
    misshapen: list[tuple[int, str, int]], separator: str, width: int, last: int
) -> tuple[list[tuple[int, str]], list[str]]:
    """Of the lines with another number of values: those that are bad, and notes on those that were left out."""
    bad, below, events, comments, empty = [], [], 0, 0, 0
    for number, text, values in misshapen:
        if BLANK.fullmatch(text):
            empty += number < last
        elif number > last and not dates.form_of(text_array([text.split(separator)[0].strip().strip('"')])):
            below.append(text.strip()[:60])
        elif EVENT.search(text):
            events += 1
        elif text.lstrip().startswith("#"):
            comments += 1
        else:
            shown = text.strip().replace("\t", " ")[:60]
            bad.append((number, f"it has {values} values, but the file has {width} columns: “{shown}”"))
    notes = [f"Below the last row, “{below[0]}” was left out."] if below else []
    if events:
        notes.append(f"Rows of dividends and splits were left out: {events:,}.")
    if comments:
        notes.append(f"Lines that begin with # were left out: {comments:,}.")
    if empty:
        notes.append(f"Empty rows were left out: {empty:,}.")
    return bad, notes
