"""The request of a page, and whether it asks for the page or for a fragment of it."""

from django_htmx.middleware import HtmxDetails

from tradedesk.accounts.requests import UserRequest


class PageRequest(UserRequest):
    htmx: HtmxDetails


def wants_fragment(request: PageRequest) -> bool:
    """An htmx request, but not that of the back button, which wants the whole page."""
    return bool(request.htmx) and not request.htmx.history_restore_request
