"""Excel (.xlsx): every sheet with bars. Reading it needs openpyxl, which is an optional extra."""

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from importlib.util import find_spec
from typing import Any, BinaryIO

from tradedesk.marketdata.readers.archives import Budget
from tradedesk.marketdata.readers.grids import table_of_grid
from tradedesk.marketdata.readers.table import Table
from tradedesk.marketdata.refusal import ImportRefused

# A workbook is read cell by cell: about 20,000 rows a second.
MAX_ROWS = 250_000
MAX_COLUMNS = 200
MAX_SHEETS = 200
# Unpacked; the sheets are XML, about 15 times as large as the file.
MAX_BYTES = 500 * 1024 * 1024


def read_excel(file: BinaryIO, name: str, budget: Budget) -> list[Table]:
    """The tables of the visible sheets. Raises ImportRefused."""
    if not all(map(find_spec, ("openpyxl", "defusedxml"))):
        raise ImportRefused(
            "To read Excel files, install openpyxl and defusedxml: .venv/bin/python -m pip install openpyxl "
            "defusedxml. Or save the sheet as CSV."
        )
    import openpyxl  # an optional extra

    _check_size(file, budget)
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"][:MAX_SHEETS]
        return _tables({sheet.title: list(_rows(sheet)) for sheet in sheets}, name)
    except ImportRefused:
        raise
    except Exception as error:
        raise ImportRefused(
            f"The workbook could not be read: {str(error)[:100]}. Save the sheet as CSV."
        ) from error


def _check_size(file: BinaryIO, budget: Budget) -> None:
    with zipfile.ZipFile(file) as parts:
        size = sum(part.file_size for part in parts.infolist())
    if size > MAX_BYTES:
        raise ImportRefused(f"The workbook unpacks to more than {MAX_BYTES >> 20} MB. Save the sheet as CSV.")
    budget.spend(size)
    file.seek(0)


def _tables(sheets: dict[str, list[tuple[int, list[str]]]], name: str) -> list[Table]:
    """The tables of the sheets that have rows. Beside a sheet with bars, one without is left out."""
    tables, refusals = [], []
    for title, rows in sheets.items():
        try:
            numbers, cells = [number for number, _ in rows], [row for _, row in rows]
            tables.append(table_of_grid(cells, numbers, "Row", title))
        except ImportRefused as refusal:
            refusals.append(refusal)
    if not tables:
        raise refusals[0] if refusals else ImportRefused("The workbook has no visible sheet.")
    return tables if len(tables) > 1 else [replace(tables[0], source=name)]


def _rows(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    """The rows of a sheet with their numbers, without empty ones."""
    sheet.reset_dimensions()  # a sheet may claim a million rows of which a hundred are used
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number > MAX_ROWS:
            raise ImportRefused(f"A sheet has more than {MAX_ROWS:,} rows. Save it as CSV.")
        row = [_text(cell) for cell in cells[:MAX_COLUMNS]]
        if any(row):
            yield number, row


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        # Excel keeps a time as a part of a day, which is seldom a whole second.
        return str((cell + timedelta(milliseconds=500)).replace(microsecond=0))
    if isinstance(cell, date | time):
        return cell.isoformat()
    return repr(cell) if isinstance(cell, float) else str(cell).strip()
