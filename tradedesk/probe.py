"""Health checks of the full desk: `python -m tradedesk.probe web` (or worker, or beat) exits 0 when it is well.

Without Django's apps: it runs every few seconds, and loading them costs more than what it asks.
"""

import json
import os
import sys
from datetime import UTC, datetime
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from django.conf import settings

from tradedesk.heartbeat import SECONDS_UNTIL_SILENT, Part, silent_for


def web_is_well() -> bool:
    """It answers, and reaches its database. Worker and beat have checks of their own."""
    host = os.environ.get("ALLOWED_HOSTS", "127.0.0.1").split(",")[0].lstrip(".*") or "127.0.0.1"
    port = os.environ.get("PORT", "8000")
    request = Request(f"http://127.0.0.1:{port}/api/health", headers={"Host": host})
    try:
        answer = urlopen(request, timeout=4)  # noqa: S310  # this machine
    except HTTPError as error:
        answer = error
    return bool(json.load(answer)["database"] == "ok")


def part_is_well(part: Part, wall_now: datetime) -> bool:
    silence = silent_for(part, wall_now)
    return silence is not None and silence < SECONDS_UNTIL_SILENT


def main(part: str) -> int:
    settings.configure(
        USE_TZ=True,
        CACHES={
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": os.environ["REDIS_URL"],
            }
        },
    )
    if part == "web":
        return 0 if web_is_well() else 1
    if part not in ("worker", "beat"):
        sys.exit("Say which to ask: web, worker or beat.")
    return 0 if part_is_well("worker" if part == "worker" else "beat", datetime.now(UTC)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
