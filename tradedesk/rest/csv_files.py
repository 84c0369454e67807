"""CSV downloads, sent in chunks."""

import csv
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

# Characters at which a spreadsheet starts a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
CHUNK_ROWS = 500


def csv_file(request: HttpRequest, name: str, rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """`rows` as a download named `name`. A spreadsheet reads none of the texts as a formula."""
    chunks = _chunks(rows)
    # Django reads the other type of iterator to its end before it sends anything.
    content = _asynchronous(chunks) if isinstance(request, ASGIRequest) else chunks
    return StreamingHttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _chunks(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, CHUNK_ROWS)):
        buffer = StringIO()
        csv.writer(buffer).writerows([_escaped(cell) for cell in row] for row in chunk)
        yield buffer.getvalue()


async def _asynchronous(chunks: Iterator[str]) -> AsyncIterator[str]:
    """The rows come from the database, which must be read in the thread of the request."""
    next_chunk = sync_to_async(lambda: next(chunks, None))
    while (chunk := await next_chunk()) is not None:
        yield chunk


def _escaped(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
