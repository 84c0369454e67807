"""The request of a page that may be asked for whole, or by htmx for its live region alone."""

from django_htmx.middleware import HtmxDetails

from tradedesk.accounts.requests import UserRequest


class PageRequest(UserRequest):
    htmx: HtmxDetails
