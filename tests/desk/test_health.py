"""The answer to "can this desk trade?", part by part."""

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
    heartbeat.beat_once("worker", NOW)
    heartbeat.beat_once("beat", NOW)


@pytest.mark.usefixtures("alive")
def test_it_is_ok_when_every_part_is() -> None:
    assert health(NOW) == {
        "status": "ok",
        "database": "ok",
        "broker": "ok",
        "worker": "ok",
        "beat": "ok",
        "market": "ok",
    }


def test_a_part_that_never_gave_a_sign_is_down_and_how_to_start_it_is_said() -> None:
    heartbeat.beat_once("beat", NOW)
    answer = health(NOW)

    assert answer["status"] == "down"
    assert answer["worker"] == "No heartbeat yet. Start it: celery -A tradedesk worker"
    assert answer["beat"] == "ok"


@pytest.mark.usefixtures("alive")
def test_a_silent_part_is_down() -> None:
    heartbeat.beat_once("worker", NOW + timedelta(seconds=30))
    answer = health(NOW + timedelta(seconds=31))

    assert answer["status"] == "down"
    assert answer["beat"] == "No heartbeat for 31 s. Restart it: celery -A tradedesk beat"
    assert answer["worker"] == "ok"


@pytest.mark.usefixtures("alive")
def test_three_late_heartbeats_are_forgiven() -> None:
    assert health(NOW + timedelta(seconds=20))["status"] == "ok"
    assert health(NOW + timedelta(seconds=21))["status"] == "down"


@pytest.mark.usefixtures("alive")
def test_a_broker_that_does_not_answer_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    from celery import Celery

    monkeypatch.setattr(module, "current_app", Celery(broker="redis://127.0.0.1:1/0", set_as_current=False))
    answer = health(NOW)

    assert answer["status"] == "down"
    assert answer["broker"] == "The message broker does not answer. Check REDIS_URL and the server."
    assert answer["database"] == "ok"


def test_a_cache_that_does_not_answer_leaves_worker_and_beat_unknown(settings: Settings) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    answer = health(NOW)

    assert answer["worker"] == answer["beat"] == "Unknown while the broker does not answer."


def test_a_database_that_does_not_answer_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "connection", None)
    answer = health(NOW)

    assert answer["status"] == "down"
    assert answer["database"] == "The database does not answer. Check DATABASE_URL and the server."


def test_the_workers_sign_is_the_task_done_and_beats_sign_is_the_task_asked_for() -> None:
    tasks.heartbeat.delay()
    assert cache.get("heartbeat:beat") is not None
    assert cache.get("heartbeat:worker") is None

    tasks.heartbeat()
    assert cache.get("heartbeat:worker") is not None


def test_the_containers_check_follows_the_heartbeat() -> None:
    assert not probe.part_is_well("worker", NOW)
    heartbeat.beat_once("worker", NOW)
    assert probe.part_is_well("worker", NOW + timedelta(seconds=19))
    assert not probe.part_is_well("worker", NOW + timedelta(seconds=21))
    assert not probe.part_is_well("beat", NOW)


def test_beat_and_worker_give_a_sign_as_soon_as_they_are_ready() -> None:
    beat_init.send(sender=None)
    assert cache.get("heartbeat:beat") is not None
    assert cache.get("heartbeat:worker") is None

    worker_ready.send(sender=None)
    assert cache.get("heartbeat:worker") is not None
