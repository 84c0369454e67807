"""Requests to Alpaca through alpaca-py, and what their outcome means.

Only a parsed answer 400, 422, or 403 with a code, that is not about the uniqueness of the id is a refusal; without
valid keys nothing was done. Everything else that is no proper answer is unknown: the order may be there.
"""

import json
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol

import requests
from urllib3.util import Timeout

from livetrading.brokers.alpaca import words
from livetrading.brokers.alpaca.budget import BUSY, RequestBudget, Urgency, pause_of
from livetrading.brokers.alpaca.connections import use_shared, within
from livetrading.brokers.alpaca.wire import UNREADABLE, word
from livetrading.brokers.protocol import KeysRefused, OrderRefused, OutcomeUnknown, TooManyRequests
from livetrading.credentials import Credentials

log = logging.getLogger(__name__)

# Seconds: to connect, and of all requests of one call of the protocol together, below fence.BROKER_CALL.
CONNECT, CALL = 5.0, 14.0
# A request that would have less time is not sent any more.
LEAST = 0.5
REFUSALS = (400, 403, 422)
# Codes in the body of an answer.
NO_SUCH_ORDER, UNAUTHORIZED = 40410000, 40110000


class NotUnique(OutcomeUnknown):
    """An order with this client_order_id is there already, or was."""


class Library(Protocol):
    """The part of alpaca-py's client that is used."""

    def get(self, path: str, data: Any = None) -> Any: ...

    def post(self, path: str, data: Any = None) -> Any: ...

    def patch(self, path: str, data: Any = None) -> Any: ...

    def delete(self, path: str, data: Any = None) -> Any: ...


class Client:
    """The connection of one account, used by one thread at a time. url: the host, without a version."""

    def __init__(
        self, url: str, credentials: Credentials, budget: RequestBudget, clock: Callable[[], float] = time.time
    ) -> None:
        self._budget, self._clock = budget, clock
        self._library, session = _library(url, credentials)
        self._send, session.request = session.request, self._request
        self._answer: requests.Response | None = None
        self.begin()

    def begin(self) -> None:
        """A call of the protocol begins; its requests share its time."""
        self._until = time.monotonic() + CALL

    def get(
        self, path: str, query: dict[str, Any] | None = None, *, urgency: Urgency, missing: bool = False
    ) -> Any:
        """The parsed answer; None for something that is not there, where it may be missing. Raises
        OutcomeUnknown."""
        try:
            return self._call(lambda: self._library.get(path, query), urgency, missing=missing)
        except OrderRefused as refusal:
            raise OutcomeUnknown(str(refusal)) from None  # nothing was ordered

    def change(self, method: str, path: str, body: dict[str, Any] | None = None, *, urgency: Urgency) -> Any:
        """POST, PATCH or DELETE. Raises OrderRefused, or OutcomeUnknown."""
        sends = {"POST": self._library.post, "PATCH": self._library.patch, "DELETE": self._library.delete}
        return self._call(lambda: sends[method](path, body), urgency, missing=False)

    def _call(self, send: Callable[[], Any], urgency: Urgency, *, missing: bool) -> Any:
        self._budget.take(urgency)
        self._answer = None
        problem = None
        try:
            send()
        except Exception as error:  # the library raises whatever an answer brings about; the answer itself decides
            problem = error
        if self._answer is None:
            raise OutcomeUnknown("Alpaca did not respond.") from problem
        return _judged(self._answer, self._clock(), missing=missing)

    def _request(self, method: str, url: str, **fields: Any) -> requests.Response:
        """What the library calls instead of the session's own method: with time limits, which it has none of."""
        left = self._until - time.monotonic()
        if left < LEAST:
            raise requests.Timeout("There is no time left for this call.")
        limits = Timeout(connect=min(CONNECT, left), read=left, total=left)
        answer = within(left, lambda: self._send(method, url, timeout=limits, **fields))
        self._answer = answer
        self._budget.note(answer.headers, answer.status_code)
        return answer


def _library(url: str, credentials: Credentials) -> tuple[Library, Any]:
    """alpaca-py's client, which then repeats nothing by itself, and its session. Imported only here, because it
    takes about 60 MB."""
    from alpaca.trading.client import TradingClient

    if not url:
        raise ValueError("Without a host the library would trade at Alpaca's own.")
    client = TradingClient(credentials.key_id, credentials.secret, raw_data=True, url_override=url)
    # It would repeat what was answered 429 or 504, new orders too; its constructor cannot change that.
    client._retry = 0
    use_shared(client._session)
    return client, client._session


def _judged(answer: requests.Response, now: float, *, missing: bool) -> Any:
    status, parsed = answer.status_code, _parsed(answer)
    message, code = word(parsed, "message"), parsed.get("code") if isinstance(parsed, dict) else None
    if status == 429:
        raise TooManyRequests(BUSY, timedelta(seconds=pause_of(answer.headers, now)))
    forbidden = code == UNAUTHORIZED or (code is None and "forbidden" in message.lower())
    if status == 401 or (status == 403 and forbidden):
        raise KeysRefused("Alpaca does not accept the keys of this account.")
    if status == 204:
        return {}
    if status == 404 and missing and (code == NO_SUCH_ORDER or "not found" in message):
        return None
    if 200 <= status < 300:
        if not isinstance(parsed, dict | list):
            raise OutcomeUnknown(UNREADABLE)
        return parsed
    # A 403 without a code of Alpaca's comes from a gateway before it.
    if status in REFUSALS and isinstance(parsed, dict) and (status != 403 or code is not None):
        if words.NOT_UNIQUE in message:
            raise NotUnique("Alpaca has an order with this id already.")
        raise OrderRefused(words.refusal(message, word(parsed, "existing_order_id")))
    raise OutcomeUnknown(f"Alpaca answered {status}{f': {message}' if message else '.'}")


def _parsed(answer: requests.Response) -> Any:
    """Numbers as Decimal, exactly as they stand in the answer; None for what is no JSON."""
    try:
        return json.loads(answer.text, parse_float=Decimal)
    except (ValueError, requests.RequestException):
        return None
