"""A transport of requests into the stand-in's market data, in the same process and without a socket."""

import io
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from tests.alpaca_server.data import MarketData
from tradedesk.marketdata.feeds.alpaca_client import AlpacaClient, DataKeys

URL = "http://data.alpaca.test"
KEYS = DataKeys("PKDATA", "data-secret")


class Transport(BaseAdapter):
    def __init__(self, data: MarketData) -> None:
        super().__init__()
        self.data = data

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        assert timeout, "Every request has a time limit."
        url = urlsplit(str(request.url))
        headers = request.headers
        keys = headers.get("APCA-API-KEY-ID", ""), headers.get("APCA-API-SECRET-KEY", "")
        answer = self.data.answer(url.path, dict(parse_qsl(url.query)), *map(_text, keys))
        if isinstance(answer.body, Exception):
            raise answer.body
        content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        response = requests.Response()
        response.status_code, response.url, response.request = answer.status, str(request.url), request
        response.headers.update(answer.headers)
        response.raw = HTTPResponse(io.BytesIO(content), preload_content=False)
        return response

    def close(self) -> None: ...


def session_to(data: MarketData) -> requests.Session:
    session = requests.Session()
    session.mount("http://", Transport(data))
    session.mount("https://", Transport(data))
    return session


def client_of(data: MarketData, keys: DataKeys = KEYS) -> AlpacaClient:
    return AlpacaClient(URL, keys, session_to(data))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
