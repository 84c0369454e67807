"""/metrics: who may read it, and that a source that hangs does not hold it up."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from tradedesk.monitoring import metrics
from tradedesk.monitoring.findings import Finding, State
from tradedesk.monitoring.health import Health
from tradedesk.monitoring.heartbeats import record_heartbeat
from tradedesk.monitoring.metrics import DeskCollector, gauge, process_metrics, queue_metrics
from tradedesk.monitoring.models import Component
from tradedesk.monitoring.scraping import is_among
from tradedesk.monitoring.stored import store_health

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
TOKEN = "a-token-of-this-test-0123456789"


def samples(families: Any) -> dict[tuple[str, str], float]:
    """By name and the value of the only label, "" without one."""
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in families
        for sample in family.samples
    }


def status(browser: Client, address: str = "127.0.0.1", **headers: str) -> int:
    return browser.get("/metrics", REMOTE_ADDR=address, headers=headers).status_code


# --- Who may read it ---------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _no_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_sources", {})


def test_this_machine_reads_them_and_no_other(alices_browser: Client, charlies_browser: Client) -> None:
    for browser in (alices_browser, charlies_browser):
        assert status(browser) == 200
        assert status(browser, "::1") == 200
        assert status(browser, "203.0.113.9") == 403
        assert status(browser, "not an address") == 403
    assert charlies_browser.post("/metrics").status_code == 405


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Forwarded", "Via"])
def test_what_comes_through_a_proxy_on_this_machine_is_public(charlies_browser: Client, header: str) -> None:
    assert status(charlies_browser, **{header: "127.0.0.1"}) == 403


def test_behind_a_proxy_only_the_token_counts(charlies_browser: Client, settings: Settings) -> None:
    settings.BEHIND_PROXY = True
    assert status(charlies_browser) == 403
    settings.METRICS_TOKEN = TOKEN
    assert status(charlies_browser, Authorization=f"Bearer {TOKEN}", X_Forwarded_For="203.0.113.9") == 200


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (f"Bearer {TOKEN}", 200),
        (TOKEN, 403),
        (f"Bearer {TOKEN}x", 403),
        ("Bearer ", 403),
        ("Bearer ü", 403),
        ("", 403),
    ],
)
def test_the_token(charlies_browser: Client, settings: Settings, given: str, code: int) -> None:
    settings.METRICS_TOKEN = TOKEN
    assert status(charlies_browser, "203.0.113.9", Authorization=given) == code


def test_an_empty_token_opens_nothing(charlies_browser: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    assert status(charlies_browser, "203.0.113.9", Authorization="Bearer ") == 403


@pytest.mark.parametrize(
    ("address", "networks", "allowed"),
    [
        ("10.0.0.7", ["10.0.0.0/24"], True),
        ("10.0.1.7", ["10.0.0.0/24"], False),
        ("10.0.0.7", [], False),
        ("::1", ["127.0.0.1", "::1"], True),
        ("", ["127.0.0.1"], False),
    ],
)
def test_the_addresses_that_may(address: str, networks: list[str], allowed: bool) -> None:
    assert is_among(address, networks) == allowed


# --- What is there -----------------------------------------------------------------------------------------


def test_requests_and_queries_are_counted(alices_browser: Client) -> None:
    alices_browser.get("/dashboard/notifications")
    page = alices_browser.get("/metrics")
    assert page["Cache-Control"] == "no-store"
    names = {family.name for family in text_string_to_metric_families(page.content.decode())}
    assert {"django_http_requests_total_by_view_transport_method", "django_db_execute"} <= names
    assert "alice" not in page.content.decode()


@pytest.mark.django_db
def test_heartbeats_and_parts(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    record_heartbeat(Component.WORKER, "one", NOW)
    store_health(Health({"database": Finding(State.OK, ""), "disk": Finding(State.WARNING, "")}), NOW)
    with django_assert_max_num_queries(4):
        found = samples(process_metrics(NOW.replace(second=7)))
    assert found == {
        ("tradedesk_heartbeat_age_seconds", "worker"): 7.0,
        ("tradedesk_part_state", "database"): 0.0,
        ("tradedesk_part_state", "disk"): 2.0,
    }


def test_the_length_of_the_queues() -> None:
    assert set(samples(queue_metrics(NOW))) == {
        ("tradedesk_queue_length", queue)
        for queue in ("celery", "urgent", "research", "evidence", "notifications")
    }


# --- Sources that hang or fail -----------------------------------------------------------------------------


def test_a_source_that_hangs_or_fails_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()

    def hanging(wall_now: datetime) -> list[Metric]:
        let_go.wait(30)
        return []

    def failing(wall_now: datetime) -> list[Metric]:
        raise OSError

    monkeypatch.setattr(metrics, "DEADLINE", 0.2)
    metrics.register("hanging", hanging)
    metrics.register("failing", failing)
    metrics.register("fine", lambda wall_now: [gauge("fine", "", 3.0)])
    found = samples(DeskCollector().collect())
    let_go.set()
    assert found == {
        ("tradedesk_fine", ""): 3.0,
        ("tradedesk_metrics_answered", "hanging"): 0.0,
        ("tradedesk_metrics_answered", "failing"): 0.0,
        ("tradedesk_metrics_answered", "fine"): 1.0,
    }
