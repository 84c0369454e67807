"""The cache in Redis, and in the database while Redis does not respond.

What the desk keeps there may be lost at any time, but pages and log-in must go on: the limits of failed log-ins
count in the database meanwhile. After a failure Redis is left alone for RETRY_SECONDS, so that a Redis that hangs
costs one request its time-out and not every one.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache import caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

RETRY_SECONDS = 5.0
# The alias of the cache in the database.
DATABASE = "database"
log = logging.getLogger(__name__)
Result = TypeVar("Result")


class FallbackCache(BaseCache):
    """LOCATION: the URL of Redis. The cache DATABASE takes over; its errors are raised."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._redis = RedisCache(location, params)
        self._retry_at = 0.0

    def _call(self, call: Callable[[BaseCache], Result]) -> Result:
        if time.monotonic() >= self._retry_at:
            try:
                return call(self._redis)
            except (RedisError, OSError) as error:
                self._retry_at = time.monotonic() + RETRY_SECONDS
                log.warning("Redis does not respond, so the cache is in the database: %s", error)
        return call(caches[DATABASE])

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._call(lambda cache: cache.add(key, value, timeout, version))

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self._call(lambda cache: cache.get(key, default, version))

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self._call(lambda cache: cache.set(key, value, timeout, version))

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._call(lambda cache: cache.touch(key, timeout, version))

    def delete(self, key: str, version: int | None = None) -> bool:
        return self._call(lambda cache: cache.delete(key, version))

    def has_key(self, key: str, version: int | None = None) -> bool:
        return self._call(lambda cache: cache.has_key(key, version))

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        return self._call(lambda cache: cache.incr(key, delta, version))

    def clear(self) -> None:
        self._call(lambda cache: cache.clear())

    def close(self, **kwargs: Any) -> None:
        self._redis.close(**kwargs)
