"""Where to go after a pressed button."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def page_of_button(request: HttpRequest, otherwise: str) -> str:
    """The page of the pressed button, from the Referer header."""
    referer = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure()):
        return referer
    return otherwise
