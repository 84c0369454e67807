"""The hosts that get keys: an empty or unsafe address is an error, never the real thing."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from environ import Env

from tradedesk.settings.environment import read_host_url

NAME, DEFAULT = "ALPACA_API_BASE_URL", "https://api.alpaca.markets"


def test_without_the_variable_it_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    assert read_host_url(Env(), NAME, default=DEFAULT) == DEFAULT


@pytest.mark.parametrize("value", ["https://alpaca.example", "http://127.0.0.1:8123", "http://localhost:1/"])
def test_another_host_is_taken(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    assert read_host_url(Env(), NAME, default=DEFAULT) == value.rstrip("/")


@pytest.mark.parametrize(
    "value",
    ["", " ", "api.alpaca.markets", "http://api.alpaca.markets", "https://", "https://api.alpaca.markets/v2",
     "https://key:secret@api.alpaca.markets", "ftp://127.0.0.1"],
)  # fmt: skip
def test_an_empty_or_unsafe_address_is_an_error(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(ImproperlyConfigured, match=NAME):
        read_host_url(Env(), NAME, default=DEFAULT)
