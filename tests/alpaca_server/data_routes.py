"""The market data as routes of the stand-in's server: server.routes += routes_of(data)."""

from typing import TYPE_CHECKING

from tests.alpaca_server.account import Account
from tests.alpaca_server.data import MarketData
from tests.alpaca_server.routes import Answer, Route
from tests.alpaca_server.script import Request

if TYPE_CHECKING:
    from tests.alpaca_server.server import AlpacaServer

PATHS = ("/v2/stocks/bars", "/v2/stocks/bars/latest", "/v2/stocks/quotes/latest", "/v2/stocks/trades/latest")


def routes_of(data: MarketData) -> list[Route]:
    """Credentials, limits and faults are those of the server."""

    def answer(server: "AlpacaServer", account: Account, request: Request) -> Answer:
        return 200, data.found(request.path, request.query)

    return [Route("GET", path, answer, "data") for path in PATHS]
