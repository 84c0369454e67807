"""Requests to Alpaca over plain HTTP: GET alone, limited in time and size, with every failure in words.

Not alpaca-py: its client of market data has no time limit, repeats requests by itself, reads answers of any size
and imports pandas (60 MB for each process), and all that is needed of it is a GET with two headers.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import requests

from tradedesk.marketdata.feeds.protocol import FeedFailed

# Seconds: to connect, between two pieces of an answer, and for the whole answer.
CONNECT, READ, WHOLE = 5.0, 15.0, 30.0
# A page of 10,000 bars has a megabyte, the list of all assets about ten.
MOST_BYTES = 32 * 1024 * 1024
PIECE = 64 * 1024
# What Alpaca says in its own words is repeated up to this length.
QUOTED = 200
LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True)
class DataKeys:
    """What Alpaca gives an account for its API."""

    key_id: str
    # Not in the representation, so that no log and no traceback has it.
    secret: str = field(repr=False)


class Client(Protocol):
    """Answers a request with the decoded JSON object or list. Raises FeedFailed."""

    def get(self, path: str, parameters: Mapping[str, str]) -> Any: ...


@dataclass(slots=True)
class AlpacaClient:
    """One host with one pair of keys. remaining: the requests that are left in this minute, as the last answer
    said; None before the first. resets: the wall time in seconds since 1970 at which they are full again."""

    url: str
    keys: DataKeys
    session: requests.Session = field(default_factory=requests.Session)
    remaining: int | None = None
    resets: float = 0.0
    # The time of the last answer by Alpaca's clock, in whole seconds; None when it did not say.
    said_at: datetime | None = None

    def get(self, path: str, parameters: Mapping[str, str]) -> Any:
        try:
            return self._answer(path, parameters)
        except requests.RequestException as error:
            # Its text may have the address with the parameters, but never the keys, which are in the headers.
            raise FeedFailed(f"Alpaca did not answer ({_reason(error)}).") from None

    @property
    def pause(self) -> float:
        """Seconds until there are requests left, by the headers of the last answer."""
        return _bounded(self.resets - time.time()) if self.remaining == 0 else 0.0

    def _answer(self, path: str, parameters: Mapping[str, str]) -> Any:
        headers = {"APCA-API-KEY-ID": self.keys.key_id, "APCA-API-SECRET-KEY": self.keys.secret}
        deadline = time.monotonic() + WHOLE
        with self.session.get(
            f"{self.url.rstrip('/')}{path}",
            params=parameters,
            headers=headers,
            timeout=(CONNECT, READ),
            # The keys go to this host alone.
            allow_redirects=False,
            stream=True,
        ) as response:
            self._note_limits(response.headers)
            content = _content(response, deadline)
            if response.status_code == 200:
                return _decoded(content)
            raise _refusal(response, content, self.pause)

    def _note_limits(self, headers: Mapping[str, str]) -> None:
        remaining, resets = headers.get("X-RateLimit-Remaining", ""), headers.get("X-RateLimit-Reset", "")
        if remaining.isascii() and remaining.isdigit():
            self.remaining = int(remaining)
        if resets.isascii() and resets.isdigit():
            self.resets = float(resets)
        try:
            said = parsedate_to_datetime(headers["Date"])
            self.said_at = said.astimezone(UTC) if said.tzinfo else None
        except (KeyError, ValueError, OverflowError):
            self.said_at = None


def _content(response: requests.Response, deadline: float) -> bytes:
    """The whole body, unpacked. Raises FeedFailed when it is too large or too slow."""
    pieces, size = [], 0
    for piece in response.iter_content(PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > MOST_BYTES:
            raise FeedFailed(f"Alpaca's answer has more than {MOST_BYTES // 1024**2} MB. It was not read.")
        if time.monotonic() > deadline:
            raise FeedFailed(f"Alpaca's answer took longer than {WHOLE:.0f} s.")
    return b"".join(pieces)


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise FeedFailed("Alpaca's answer is no JSON.") from None


def _refusal(response: requests.Response, content: bytes, pause: float) -> FeedFailed:
    status, said = response.status_code, _said(content)
    if status == 401:
        return FeedFailed("Alpaca refused the keys (401). Check the key id and the secret.", keys=True)
    if status == 403 and "sip" in said.lower():
        return FeedFailed(
            "This Alpaca account may not read the newest prices of the feed sip. Set ALPACA_FEED=iex, or "
            "subscribe to Alpaca's market data.",
            keys=True,
        )
    if status == 403:
        return FeedFailed(f"Alpaca refused the keys or what they may read (403){said}.", keys=True)
    if status == 429:
        wait = _seconds(response.headers.get("Retry-After", "")) or pause or 10.0
        return FeedFailed(f"Alpaca answers no more requests for {wait:.0f} s (429).", wait=_bounded(wait))
    if 300 <= status < 400:
        return FeedFailed(f"Alpaca answered with a redirect ({status}). Check ALPACA_DATA_URL.")
    if status >= 500:
        return FeedFailed(f"Alpaca has a fault ({status}){said}.")
    symbols = status in (400, 422) and "symbol" in said.lower()
    return FeedFailed(f"Alpaca refused the request ({status}){said}.", symbols=symbols)


def _said(content: bytes) -> str:
    """': "what Alpaca says"', or "" when the body has no message."""
    try:
        message = json.loads(content)["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    words = "".join(letter for letter in str(message) if letter.isprintable())
    return f": “{words[:QUOTED]}”" if words else ""


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() else 0.0


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {CONNECT:.0f} s"
    if isinstance(error, requests.Timeout):
        return f"nothing for {READ:.0f} s"
    if isinstance(error, requests.exceptions.SSLError):
        return "no secure connection"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return "the connection broke"
