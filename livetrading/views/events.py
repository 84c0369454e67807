"""The event stream of an open page."""

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from livetrading.hub import hub

STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


# An EventSource cannot follow a redirect to the login page.
@login_not_required
@require_GET
async def events(request: HttpRequest) -> HttpResponseBase:
    """Server-sent events: "changed" whenever the user's pages must reload. 503 when the user has too many
    streams."""
    user = await request.auser()
    if user.pk is None:
        return HttpResponse("Log in to open the event stream.", status=401)
    if not isinstance(request, ASGIRequest):
        # A WSGI server would block a worker for each stream. After a 204 the browser does not reconnect; pages
        # poll.
        return HttpResponse(status=204)
    await sync_to_async(_close_connections)()
    if not hub.accepts_stream(user.pk):
        return HttpResponse("Too many streams are open.", status=503, headers={"Retry-After": "10"})
    return StreamingHttpResponse(hub.stream(user.pk), content_type="text/event-stream", headers=STREAM_HEADERS)


def _close_connections() -> None:
    """Close the connection of the user query, which would stay open as long as the stream."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
