"""Health checks of the containers: `python -m tradedesk.probe web` (or worker, urgent, research, beat) exits with
0 if it is healthy.

It does not load Django's apps: it runs every few seconds, and loading them would cost more than the check. Beat
and the workers are judged by their heartbeats in the database.
"""

import json
import os
import sys
from datetime import UTC, datetime
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from django.conf import settings
from django.db import connection
from environ import Env

from tradedesk.monitoring.pulse import pulse_of
from tradedesk.settings.environment import read_database

COMPONENTS = ("worker", "urgent", "research", "beat")


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


def component_is_healthy(component: str, wall_now: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT at FROM monitoring_heartbeat WHERE component = %s", [component])
        # SQLite has no zones.
        moments = [moment if moment.tzinfo else moment.replace(tzinfo=UTC) for (moment,) in cursor.fetchall()]
    return pulse_of(moments, wall_now).is_alive


def main(component: str) -> int:
    if component == "web":
        return 0 if web_is_healthy() else 1
    if component not in COMPONENTS:
        sys.exit(f"Name what to check: web, {', '.join(COMPONENTS)}.")
    database = read_database(Env(), "DATABASE_URL", default="")
    settings.configure(USE_TZ=True, DATABASES={"default": database})
    return 0 if component_is_healthy(component, datetime.now(UTC)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
