"""The real alpaca-py, pointed at the stand-in."""

from typing import Any

from tests.alpaca_server.account import Account
from tests.alpaca_server.server import AlpacaServer


def client_of(server: AlpacaServer, account: Account) -> Any:
    """Without the repetitions of the library."""
    from alpaca.trading.client import TradingClient

    client = TradingClient(account.key, account.secret, raw_data=True, url_override=server.url)
    client._retry = 0
    client._session.trust_env = False
    return client
