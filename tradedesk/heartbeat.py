"""Heartbeats of beat and worker: each writes the wall time of its last heartbeat to the shared cache."""

from datetime import datetime
from typing import Literal

from django.core.cache import cache

Part = Literal["beat", "worker"]
# Seconds. Beat sends the heartbeat task every 5 s, so up to three may be late.
MAX_HEARTBEAT_AGE = 20.0


def record_heartbeat(part: Part, wall_now: datetime) -> None:
    cache.set(f"heartbeat:{part}", wall_now, timeout=None)


def heartbeat_age(part: Part, wall_now: datetime) -> float | None:
    """Seconds since the last heartbeat of the part; None if there was none."""
    last: datetime | None = cache.get(f"heartbeat:{part}")
    return None if last is None else (wall_now - last).total_seconds()
