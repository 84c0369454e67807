"""Pages of refusals that name the setting: a wrong host, a wrong origin. And those of errors."""

import sys

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.csrf import csrf_failure as plain_csrf_failure
from django.views.defaults import bad_request as plain_bad_request
from django.views.defaults import server_error as plain_server_error

from tradedesk.database_errors import DATABASE_DOWN, is_database_down


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400. A request for a host that the desk does not know is answered without a page, which would need one."""
    if isinstance(exception, DisallowedHost):
        host = str(request.META.get("HTTP_HOST", ""))[:100]
        text = (
            f"This desk does not answer to the host “{host}”.\n"
            "If it is the desk's own name, its operator adds it to the setting ALLOWED_HOSTS and restarts it.\n"
        )
        return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")
    return plain_bad_request(request, exception)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 of a form. From an origin that the desk does not trust, the page names the setting."""
    if reason.startswith("Origin checking failed"):
        context = {"origin": str(request.META.get("HTTP_ORIGIN", ""))[:100]}
        return render(request, "403_origin.html", context, status=403)
    return plain_csrf_failure(request, reason)


def server_error(request: HttpRequest) -> HttpResponse:
    """500; 503 while the database cannot be used. Django calls it while it handles the error."""
    if is_database_down(sys.exc_info()[1]):
        # Without the request: its context would need the database.
        return HttpResponse(render_to_string("503.html", {"text": DATABASE_DOWN}), status=503)
    return plain_server_error(request)
