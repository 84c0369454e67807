"""Types of requests with a logged-in user: the middleware refuses all others."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from tradedesk.accounts.models import User


class UserRequest(HttpRequest):
    user: User


class PageRequest(UserRequest):
    """The request of a page. htmx: whether a fragment of the page is requested, and from where."""

    htmx: HtmxDetails
