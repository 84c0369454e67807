"""Files that are sent in chunks."""

from collections.abc import AsyncIterator, Iterator
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

Chunk = TypeVar("Chunk", str, bytes)


def download(request: HttpRequest, name: str, content_type: str, chunks: Iterator[Chunk]) -> StreamingHttpResponse:
    """`chunks` as a download named `name`. Nothing is computed before it is sent."""
    # Django reads the other type of iterator to its end before it sends anything.
    content = _asynchronous(chunks) if isinstance(request, ASGIRequest) else chunks
    return StreamingHttpResponse(
        content, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


async def _asynchronous(chunks: Iterator[Chunk]) -> AsyncIterator[Chunk]:
    """The chunks may come from the database, which must be read in the thread of the request."""
    next_chunk = sync_to_async(lambda: next(chunks, None))
    while (chunk := await next_chunk()) is not None:
        yield chunk
