"""What every page says about the market, and only asks when it says it."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from tradedesk.marketdata.clock import market_status


def market(request: HttpRequest) -> dict[str, object]:
    """`market_status` in templates: a MarketStatus. Not `market`, which pages have of their own."""
    return {"market_status": SimpleLazyObject(market_status)}
