"""What kind of file it is, by its first bytes, and the tables in it."""

import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from tradedesk.marketdata.readers import archives
from tradedesk.marketdata.readers.archives import Budget
from tradedesk.marketdata.readers.delimited import read_delimited
from tradedesk.marketdata.readers.excel import read_excel
from tradedesk.marketdata.readers.json_bars import read_json
from tradedesk.marketdata.readers.parquet import read_parquet
from tradedesk.marketdata.readers.table import Table
from tradedesk.marketdata.refusal import ImportRefused

SAVE = "Save it as CSV, Excel (.xlsx) or Parquet and import that."
MARKUP = (
    "This is a web page or XML, not a table; sites send one instead of the file when a login or a limit is in the "
    "way. Download the prices as CSV."
)
# The first bytes of files that are not read -> what they are and what to do.
NOT_READ = {
    b"\xd0\xcf\x11\xe0": "This is an old Excel file (.xls). Open it and save it as .xlsx or CSV.",
    b"%PDF": f"This is a PDF, not a table. {SAVE}",
    b"7z\xbc\xaf": "This is a 7z archive. Unpack it and import the files, or pack them as ZIP.",
    b"Rar!": "This is a RAR archive. Unpack it and import the files, or pack them as ZIP.",
    b"BZh": "This file is compressed with bzip2. Unpack it first.",
    b"\xfd7zXZ": "This file is compressed with xz. Unpack it first.",
    b"\x28\xb5\x2f\xfd": "This file is compressed with Zstandard. Unpack it first.",
    b"ARROW1": f"This is a Feather or Arrow file. {SAVE}",
    b"FEA1": f"This is a Feather file. {SAVE}",
    b"\x89HDF": f"This is an HDF5 file. {SAVE}",
    b"SQLite": f"This is a database. {SAVE}",
    b"\x89PNG": f"This is a picture. {SAVE}",
    b"\xff\xd8\xff": f"This is a picture. {SAVE}",
}


def tables_of(file: BinaryIO, name: str, budget: Budget, *, inside: bool = False) -> Iterator[Table]:
    """The tables of a file, at least one. inside: it comes from an archive. Raises ImportRefused."""
    start = file.read(512)
    file.seek(0)
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    for sign, message in NOT_READ.items():
        if start.startswith(sign):
            raise ImportRefused(message)
    if _is_markup(text):
        raise ImportRefused(MARKUP)
    if start.startswith(b"PK") and archives.is_zip_of_files(file):
        if inside:
            raise ImportRefused("This is an archive in an archive. Unpack it first.")
        yield from _tables_of_members(file, budget)
    elif start.startswith(b"PK"):
        yield from _tables_of_workbook(file, name, budget)
    elif start.startswith(b"\x1f\x8b"):
        if inside:
            raise ImportRefused("This is an archive in an archive. Unpack it first.")
        with archives.gunzipped(file, budget) as content:
            yield from tables_of(content, name, budget, inside=True)
    elif start.startswith(b"PAR1"):
        yield read_parquet(file, name)
    elif text.startswith((b"{", b"[")):
        yield read_json(file, name)
    else:
        yield read_delimited(file, name)


def _is_markup(text: bytes) -> bool:
    return text[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<table", b"<head", b"<body"))


def _tables_of_members(file: BinaryIO, budget: Budget) -> Iterator[Table]:
    for name, content in archives.members(file, budget):
        try:
            if isinstance(content, ImportRefused):
                raise content
            yield from tables_of(content, name, budget, inside=True)
        except ImportRefused as refusal:
            raise ImportRefused(f"{name}: {refusal}", refusal.field) from None


def _tables_of_workbook(file: BinaryIO, name: str, budget: Budget) -> Iterator[Table]:
    with zipfile.ZipFile(file) as parts:
        names = parts.namelist()
    file.seek(0)
    if "xl/workbook.xml" not in names:
        raise ImportRefused("This is a document of another kind than a workbook (.xlsx). Save the table as CSV.")
    yield from read_excel(file, name, budget)
