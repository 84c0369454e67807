"""The health of the desk: whether each component works, and what to do if it does not."""

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
    """{"status": "ok" or "down"}, and for database, broker, worker, beat, market and trading: "ok" or a
    message."""
    components = {
        "database": _check(_database, "The database is not reachable. Check DATABASE_URL and the server."),
        "broker": _check(_broker, "The message broker is not reachable. Check REDIS_URL and the server."),
        "worker": _check(lambda: _heartbeat("worker", wall_now), "Unknown: the message broker is not reachable."),
        "beat": _check(lambda: _heartbeat("beat", wall_now), "Unknown: the message broker is not reachable."),
        "market": _check(_market, "Unknown: the database is not reachable."),
        "trading": _check(_trading, "Unknown: the database is not reachable."),
    }
    return {"status": OK if set(components.values()) == {OK} else "down", **components}


def _check(check: Callable[[], str], failure: str) -> str:
    """What the check returns; `failure` if it raises anything."""
    try:
        return check()
    except Exception:
        log.warning("Health: %s", failure, exc_info=True)
        return failure


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def _broker() -> str:
    with current_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    return OK


def _heartbeat(component: heartbeat.Component, wall_now: datetime) -> str:
    age = heartbeat.heartbeat_age(component, wall_now)
    if age is None:
        return f"No heartbeat yet. Start it: celery -A tradedesk {component}"
    if age > heartbeat.MAX_HEARTBEAT_AGE:
        return f"No heartbeat for {age:,.0f} s. Restart it: celery -A tradedesk {component}"
    return OK


def _market() -> str:
    # By its dotted name: the modules of the project package do not import the apps.
    import_string("tradedesk.marketdata.clock.market_clock")().now()
    return OK


def _trading() -> str:
    return import_string("livetrading.services.health.trading_problem")() or OK
