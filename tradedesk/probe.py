"""Health checks of the containers: `python -m tradedesk.probe web` (or worker, or beat) exits with 0 if it is
healthy.

It does not load Django's apps: it runs every few seconds, and loading them would cost more than the check.
"""

import json
import os
import sys
from datetime import UTC, datetime
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from django.conf import settings

from tradedesk.heartbeat import MAX_HEARTBEAT_AGE, Component, heartbeat_age


def web_is_healthy() -> bool:
    """Whether the web process responds and reaches its database. Worker and beat have their own checks."""
    host = os.environ.get("ALLOWED_HOSTS", "127.0.0.1").split(",")[0].lstrip(".*") or "127.0.0.1"
    port = os.environ.get("PORT", "8000")
    request = Request(f"http://127.0.0.1:{port}/api/health", headers={"Host": host})
    try:
        response = urlopen(request, timeout=4)  # noqa: S310  # this machine
    except HTTPError as error:
        response = error
    return bool(json.load(response)["database"] == "ok")


def component_is_healthy(component: Component, wall_now: datetime) -> bool:
    age = heartbeat_age(component, wall_now)
    return age is not None and age < MAX_HEARTBEAT_AGE


def main(component: str) -> int:
    settings.configure(
        USE_TZ=True,
        CACHES={
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": os.environ["REDIS_URL"],
            }
        },
    )
    if component == "web":
        return 0 if web_is_healthy() else 1
    if component not in ("worker", "beat"):
        sys.exit("Name what to check: web, worker or beat.")
    return 0 if component_is_healthy("worker" if component == "worker" else "beat", datetime.now(UTC)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
