"""The real alpaca-py, pointed at the stand-in."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.alpaca_server.account import Account
from tests.alpaca_server.server import AlpacaServer


def client_of(server: AlpacaServer, account: Account) -> Any:
    """Without the repetitions of the library."""
    from alpaca.trading.client import TradingClient

    client = TradingClient(account.key, account.secret, raw_data=True, url_override=server.url)
    client._retry = 0
    client._session.trust_env = False
    return client


@dataclass(frozen=True)
class Refused:
    status: int
    code: int | None
    message: str
    text: str


def refusal(call: Callable[[], object]) -> Refused:
    """What Alpaca answers to this call, which it has to refuse."""
    from alpaca.common.exceptions import APIError

    with pytest.raises(APIError) as raised:
        call()
    text = str(raised.value)
    parsed = json.loads(text)
    return Refused(int(raised.value.status_code or 0), parsed.get("code"), parsed["message"], text)
