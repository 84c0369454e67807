"""Redis gone, hanging or back: the cache goes on, and so do log-in, its limits and the pages."""

import socket
import time
from collections.abc import Iterator

import pytest
from django.core.cache import cache, caches
from django.test import Client
from pytest_django import Settings

from tests.conftest import PASSWORD
from tradedesk import fallback_cache
from tradedesk.accounts.models import User
from tradedesk.fallback_cache import FallbackCache

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


@pytest.fixture(params=["gone", "hanging"])
def without_redis(request: pytest.FixtureRequest, settings: Settings) -> Iterator[FallbackCache]:
    """The cache of a desk whose Redis refuses connections, or accepts them and never responds."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    if request.param == "gone":
        listener.close()
    settings.CACHES = settings.CACHES | {
        "default": {
            "BACKEND": "tradedesk.fallback_cache.FallbackCache",
            "LOCATION": f"redis://127.0.0.1:{port}/0",
            "OPTIONS": {"socket_connect_timeout": 0.2, "socket_timeout": 0.2},
        }
    }
    found = caches["default"]
    assert isinstance(found, FallbackCache)
    yield found
    listener.close()


def test_every_call_works_without_redis(without_redis: FallbackCache) -> None:
    assert without_redis.get("a", "default") == "default"
    without_redis.set("a", 1, 60)
    assert (without_redis.get("a"), without_redis.add("a", 2), "a" in without_redis) == (1, False, True)
    assert (without_redis.incr("a"), without_redis.touch("a", 60)) == (2, True)
    assert without_redis.get_many(["a", "b"]) == {"a": 2}
    assert (without_redis.delete("a"), without_redis.get("a")) == (True, None)
    without_redis.set("b", 1)
    without_redis.clear()
    assert without_redis.get("b") is None


def test_a_redis_that_hangs_costs_one_time_out(without_redis: FallbackCache) -> None:
    without_redis.set("a", 1)
    tried = without_redis._retry_at
    assert tried > time.monotonic()
    for _ in range(50):
        without_redis.get("a")
    assert without_redis._retry_at == tried


def test_log_in_and_its_limits_go_on(without_redis: FallbackCache, alice: User, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "100/m/ip,3/5m/key"}
    browser, right = Client(), {"login": alice.email, "password": PASSWORD}
    assert browser.post(LOGIN, right).status_code == 302
    assert browser.get("/dashboard").status_code == 200
    other = Client()
    for _ in range(3):
        assert other.post(LOGIN, {**right, "password": "wrong"}).status_code == 200
    assert other.post(LOGIN, right).status_code == 200  # the page again, with the limit


def test_it_returns_to_redis_when_that_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(caches["default"], FallbackCache)
    cache.set("a", "redis")
    monkeypatch.setattr(caches["default"], "_retry_at", time.monotonic() + fallback_cache.RETRY_SECONDS)
    assert cache.get("a") is None
    monkeypatch.setattr(caches["default"], "_retry_at", 0.0)
    assert cache.get("a") == "redis"
