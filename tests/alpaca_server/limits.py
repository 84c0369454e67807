"""The limit of requests a minute, and the headers that tell of it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Limits:
    """most: requests of one account in a minute, for trading and for data each. on: whether more are refused.
    clock: seconds since 1970."""

    most: int = 200
    on: bool = False
    clock: Callable[[], float] = time.time
    _windows: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, key: str, bucket: str) -> tuple[bool, dict[str, str]]:
        """Whether one more request is taken, and the headers of its answer."""
        minute = int(self.clock() // 60)
        with self._lock:
            since, used = self._windows.get((key, bucket), (minute, 0))
            used = used + 1 if since == minute else 1
            self._windows[key, bucket] = (minute, used)
        headers = {
            "X-RateLimit-Limit": str(self.most),
            "X-RateLimit-Remaining": str(max(self.most - used, 0)),
            "X-RateLimit-Reset": str((minute + 1) * 60),
        }
        return not self.on or used <= self.most, headers
