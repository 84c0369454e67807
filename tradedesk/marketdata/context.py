"""What every page says about the market, and only asks when it says it."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from tradedesk.marketdata.clock import market_status


def market(request: HttpRequest) -> dict[str, object]:
    """`market` in templates: a MarketStatus."""
    return {"market": SimpleLazyObject(market_status)}
