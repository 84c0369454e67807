"""Is the desk able to trade? Each part answers "ok" or says in a sentence what is wrong and what to do."""

import logging
from collections.abc import Callable
from datetime import datetime

from celery import current_app
from django.db import connection
from django.utils.module_loading import import_string

from tradedesk import heartbeat

OK = "ok"
log = logging.getLogger(__name__)


def health(wall_now: datetime) -> dict[str, str]:
    """{"status": "ok" or "down", and database, broker, worker, beat, market: "ok" or a sentence}."""
    parts = {
        "database": _ask(_database, "The database does not answer. Check DATABASE_URL and the server."),
        "broker": _ask(_broker, "The message broker does not answer. Check REDIS_URL and the server."),
        "worker": _ask(lambda: _sign_of_life("worker", wall_now), "Unknown while the broker does not answer."),
        "beat": _ask(lambda: _sign_of_life("beat", wall_now), "Unknown while the broker does not answer."),
        "market": _ask(_market, "Unknown while the database does not answer."),
    }
    return {"status": OK if all(answer == OK for answer in parts.values()) else "down", **parts}


def _ask(part: Callable[[], str], otherwise: str) -> str:
    try:
        return part()
    except Exception:  # any failure of a part is its answer
        log.warning("Health: %s", otherwise, exc_info=True)
        return otherwise


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def _broker() -> str:
    with current_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    return OK


def _sign_of_life(part: heartbeat.Part, wall_now: datetime) -> str:
    silence = heartbeat.silent_for(part, wall_now)
    if silence is None:
        return f"No heartbeat yet. Start it: celery -A tradedesk {part}"
    if silence > heartbeat.SECONDS_UNTIL_SILENT:
        return f"No heartbeat for {silence:.0f} s. Restart it: celery -A tradedesk {part}"
    return OK


def _market() -> str:
    # By name: the roof joins the apps without importing them.
    import_string("tradedesk.marketdata.clock.market_clock")().now()
    return OK
