"""Heartbeats of beat and worker: each writes the wall time of its last heartbeat to the shared cache."""

from datetime import datetime
from typing import Literal

from django.core.cache import cache

Component = Literal["beat", "worker"]
# Seconds. Beat sends the heartbeat task every 5 s, so up to three may be late.
MAX_HEARTBEAT_AGE = 20.0


def record_heartbeat(component: Component, wall_now: datetime) -> None:
    cache.set(f"heartbeat:{component}", wall_now, timeout=None)


def heartbeat_age(component: Component, wall_now: datetime) -> float | None:
    """Seconds since the last heartbeat of the component; None if there was none."""
    last: datetime | None = cache.get(f"heartbeat:{component}")
    return None if last is None else (wall_now - last).total_seconds()
