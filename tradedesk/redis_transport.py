"""Kombu's transport of Redis, so that a worker outlives a restart of Redis.

When the connection is lost, kombu forgets the address and then tries to give back the messages that are not yet
acknowledged. The AttributeError of that ends the worker; a lost connection it knows and gets over. The messages
may be lost, because beat finds the work.
"""

from typing import Any

from kombu.transport import redis
from redis.exceptions import ConnectionError as ConnectionLost


class Channel(redis.Channel):
    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection is None or self.connection.client is None:
            raise ConnectionLost("The connection to Redis is lost.")
        return super()._connparams(asynchronous)  # type: ignore[misc]  # the stubs do not know it


class Transport(redis.Transport):
    Channel = Channel
