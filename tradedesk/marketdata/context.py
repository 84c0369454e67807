"""The market status for every page; it is read only if the page shows it."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from tradedesk.marketdata.clock import market_status


def market(request: HttpRequest) -> dict[str, object]:
    """`market_status` in templates: a MarketStatus. Not `market`, a name that pages use themselves."""
    return {"market_status": SimpleLazyObject(market_status)}
