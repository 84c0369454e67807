"""The health of the desk, for each component."""

from datetime import UTC, datetime, timedelta

import pytest
from celery.signals import beat_init, worker_ready
from django.core.cache import cache
from pytest_django import Settings

from tradedesk import health as module
from tradedesk import heartbeat, probe, tasks
from tradedesk.health import health

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def alive() -> None:
    heartbeat.record_heartbeat("worker", NOW)
    heartbeat.record_heartbeat("beat", NOW)


@pytest.mark.usefixtures("alive")
def test_it_is_ok_if_every_part_is_ok() -> None:
    assert health(NOW) == {
        "status": "ok",
        "database": "ok",
        "broker": "ok",
        "worker": "ok",
        "beat": "ok",
        "market": "ok",
        "trading": "ok",
    }


def test_a_part_without_a_heartbeat_is_down() -> None:
    heartbeat.record_heartbeat("beat", NOW)
    found = health(NOW)

    assert found["status"] == "down"
    assert found["worker"] == "No heartbeat yet. Start it: celery -A tradedesk worker"
    assert found["beat"] == "ok"


@pytest.mark.usefixtures("alive")
def test_a_part_with_an_old_heartbeat_is_down() -> None:
    heartbeat.record_heartbeat("worker", NOW + timedelta(seconds=30))
    found = health(NOW + timedelta(seconds=31))

    assert found["status"] == "down"
    assert found["beat"] == "No heartbeat for 31 s. Restart it: celery -A tradedesk beat"
    assert found["worker"] == "ok"


@pytest.mark.usefixtures("alive")
def test_three_heartbeats_may_be_late() -> None:
    assert health(NOW + timedelta(seconds=20))["status"] == "ok"
    assert health(NOW + timedelta(seconds=21))["status"] == "down"


@pytest.mark.usefixtures("alive")
def test_a_message_broker_that_is_not_reachable_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    from celery import Celery

    monkeypatch.setattr(module, "current_app", Celery(broker="redis://127.0.0.1:1/0", set_as_current=False))
    found = health(NOW)

    assert found["status"] == "down"
    assert found["broker"] == "The message broker is not reachable. Check REDIS_URL and the server."
    assert found["database"] == "ok"


def test_without_the_cache_worker_and_beat_are_unknown(settings: Settings) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    found = health(NOW)

    assert found["worker"] == found["beat"] == "Unknown: the message broker is not reachable."


def test_a_database_that_is_not_reachable_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "connection", None)
    found = health(NOW)

    assert found["status"] == "down"
    assert found["database"] == "The database is not reachable. Check DATABASE_URL and the server."


def test_sending_the_task_records_beat_and_running_it_records_the_worker() -> None:
    tasks.heartbeat.delay()
    assert cache.get("heartbeat:beat") is not None
    assert cache.get("heartbeat:worker") is None

    tasks.heartbeat()
    assert cache.get("heartbeat:worker") is not None


def test_the_check_of_a_container_depends_on_the_heartbeat() -> None:
    assert not probe.component_is_healthy("worker", NOW)
    heartbeat.record_heartbeat("worker", NOW)
    assert probe.component_is_healthy("worker", NOW + timedelta(seconds=19))
    assert not probe.component_is_healthy("worker", NOW + timedelta(seconds=21))
    assert not probe.component_is_healthy("beat", NOW)


def test_beat_and_worker_record_a_heartbeat_as_soon_as_they_are_ready() -> None:
    beat_init.send(sender=None)
    assert cache.get("heartbeat:beat") is not None
    assert cache.get("heartbeat:worker") is None

    worker_ready.send(sender=None)
    assert cache.get("heartbeat:worker") is not None
