"""Check that beat and worker live: each writes the wall time of its last sign into the cache that they share."""

from datetime import datetime
from typing import Literal

from django.core.cache import cache

Part = Literal["beat", "worker"]
# Beat asks for a heartbeat every 5 s: three may be late before somebody is told.
SECONDS_UNTIL_SILENT = 20.0


def beat_once(part: Part, wall_now: datetime) -> None:
    cache.set(f"heartbeat:{part}", wall_now, timeout=None)


def silent_for(part: Part, wall_now: datetime) -> float | None:
    """Seconds since the part's last sign of life; None when it never gave one."""
    seen: datetime | None = cache.get(f"heartbeat:{part}")
    return None if seen is None else (wall_now - seen).total_seconds()
