"""What holds for every request: from where it comes, and the headers of its response."""

from collections.abc import Callable

from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_cache_control

from tradedesk.audit.origin import Origin, Via, acting

# No page needs a sensor, a payment or another site's frame.
PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone",
        "midi", "payment", "usb",
    )
)  # fmt: skip
# A request that begins so comes from there, every other one from a page.
PLACES = {"/api/": Via.API, "/admin/": Via.ADMIN}
Next = Callable[[HttpRequest], HttpResponseBase]


class Compressed(GZipMiddleware):
    """Responses as gzip, each with random bytes in its head, so that its length says nothing of what is in it
    (docs/decisions/0034). Streams of events go out as they are: each event is at once on its way."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.headers.get("Content-Type", "").startswith("text/event-stream"):
            return response
        return super().process_response(request, response)


def note_origin(get_response: Next) -> Next:
    """The audit notes from where a request comes. A token notes itself (accounts/api_auth.py)."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        via = next((place for path, place in PLACES.items() if request.path.startswith(path)), Via.PAGE)
        with acting(Origin(via, address=_address(request), who=lambda: request.user)):
            return get_response(request)

    return respond


def _address(request: HttpRequest) -> str:
    """Of the client, as the limits of the log-in see it: behind a proxy the one that the proxy names."""
    try:
        return str(get_adapter(request).get_client_ip(request))
    except PermissionDenied:  # there is none
        return ""


def private_pages(get_response: Next) -> Next:
    """No cache keeps what a logged-in user sees, so that nobody reads it after the log-out."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated and "Cache-Control" not in response.headers:
            patch_cache_control(response, private=True, no_store=True)
        return response

    return respond
