"""Parts of pages that refresh themselves and have not changed: an answer 304 without the work.

The script asks with the tag of what it shows (static/live.js). What a user sees changes with the user's version
(accounts/changes.py) and the session of the replay; and with what nobody counts: bars that arrive, the health of
the desk, the time. So a part is made anew at least every LONGEST seconds."""

import hashlib
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags

from livetrading.hub import read_versions

LONGEST = 15
Next = Callable[[HttpRequest], HttpResponseBase]


def answer_unchanged(get_response: Next) -> Next:
    """Middleware. A request without If-None-Match costs nothing here."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        asked, user_id = request.headers.get("If-None-Match"), getattr(request, "user", None) and request.user.pk
        if asked is None or user_id is None or request.method != "GET" or "HX-Request" not in request.headers:
            return get_response(request)
        # Before the part is made, so that a change meanwhile has another tag.
        tag = tag_of(request, user_id, time.time())
        if tag in (each.removeprefix("W/") for each in parse_etags(asked)):
            return HttpResponseNotModified(headers={"ETag": tag})
        response = get_response(request)
        if isinstance(response, HttpResponse) and response.status_code == 200:
            response.headers["ETag"] = tag
        return response

    return respond


def tag_of(request: HttpRequest, user_id: int, seconds: float) -> str:
    """seconds: wall time. Two users, addresses or versions of the desk never share one."""
    parts = (
        settings.VERSION,
        user_id,
        read_versions([user_id])[user_id],
        request.get_full_path(),
        request.headers.get("HX-Target", ""),
        int(seconds // LONGEST),
    )
    return f'"{hashlib.blake2b(repr(parts).encode(), digest_size=12).hexdigest()}"'
