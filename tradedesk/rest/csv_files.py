"""CSV downloads, sent in chunks."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice

from django.http import HttpRequest, StreamingHttpResponse

from tradedesk.rest.downloads import download

# Characters at which a spreadsheet starts a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
CHUNK_ROWS = 500


def csv_file(request: HttpRequest, name: str, rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """`rows` as a download named `name`. A spreadsheet reads none of the texts as a formula."""
    return download(request, name, "text/csv; charset=utf-8", _chunks(rows))


def _chunks(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, CHUNK_ROWS)):
        buffer = StringIO()
        csv.writer(buffer).writerows([_escaped(cell) for cell in row] for row in chunk)
        yield buffer.getvalue()


def _escaped(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
