"""A table as a file for a spreadsheet, sent row by row."""

import csv
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

# What a spreadsheet takes for the beginning of a formula.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
ROWS_AT_ONCE = 500


def csv_file(request: HttpRequest, name: str, rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """`rows` as a download named `name`; a text in them is never taken for a formula."""
    pieces = _pieces(rows)
    # Each server waits for its own sort of iterator; the other sort would be read to its end first.
    content = _one_by_one(pieces) if isinstance(request, ASGIRequest) else pieces
    return StreamingHttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _pieces(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    waiting = iter(rows)
    while some := list(islice(waiting, ROWS_AT_ONCE)):
        written = StringIO()
        csv.writer(written).writerows([_harmless(cell) for cell in row] for row in some)
        yield written.getvalue()


async def _one_by_one(pieces: Iterator[str]) -> AsyncIterator[str]:
    """The rows come from the database, which is read in the thread that belongs to the request."""
    next_piece = sync_to_async(lambda: next(pieces, None))
    while (piece := await next_piece()) is not None:
        yield piece


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell
