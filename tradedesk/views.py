"""Pages of refusals that name the setting: a wrong host, a wrong origin."""

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.csrf import csrf_failure as plain_csrf_failure
from django.views.defaults import bad_request as plain_bad_request


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
