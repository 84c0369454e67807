"""Publishing a task: it never raises, and a queue that does not respond costs one limited attempt."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from redis.connection import Connection

from backtests.models import Backtest, OptimizerRun
from backtests.services import recover_backtests
from backtests.services.optimizer import recover_runs
from backtests.services.recovery import MESSAGE_TIMEOUT
from livetrading import tasks
from livetrading.models import LiveStrategy
from tests.api.client import ApiClient
from tests.livetrading.factories import NOW, TODAY, WALL, account_of, at_day, make_live_strategy, make_strategy
from tests.livetrading.published import published
from tradedesk import publishing
from tradedesk.accounts.models import User
from tradedesk.celery import make_app
from tradedesk.marketdata.services import load_samples
from tradedesk.publishing import publish

connect = Connection.connect
# Not the heartbeat: publishing that one also writes to Redis.
TASK = "tradedesk.marketdata.tasks.advance_replay"


@contextmanager
def closed_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    yield port


@contextmanager
def silent_server() -> Iterator[int]:
    """It accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        yield listener.getsockname()[1]


@pytest.fixture(params=[closed_port, silent_server])
def dead_queue(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """The desk's queue is one of these. Yields the time limits of each connection to it, one for each attempt."""
    attempts: list[dict[str, Any]] = []

    def recorded(self: Any) -> None:
        attempts.append({"connect": self.socket_connect_timeout, "read": self.socket_timeout})
        # To wait as long as that would only make the test slow.
        self.socket_timeout = 0.05
        connect(self)  # type: ignore[no-untyped-call]

    with request.param() as port:
        desk = make_app(set_as_current=False)
        desk.conf.update(broker_url=f"redis://127.0.0.1:{port}/0")
        monkeypatch.setattr(publishing, "current_app", desk)
        monkeypatch.setattr(publishing.QUEUE, "retry_at", 0.0)
        monkeypatch.setattr(Connection, "connect", recorded)
        yield attempts


def only_limited(attempts: list[dict[str, Any]], most: int) -> None:
    assert 1 <= len(attempts) <= most
    assert all(0 < each["connect"] <= 1 and 0 < each["read"] <= 2 for each in attempts), attempts


def test_it_does_not_raise_and_tries_once(
    dead_queue: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    publish(TASK, [()])
    # redis-py itself connects a second time after an error.
    only_limited(dead_queue, 2)
    assert TASK in caplog.text


def test_the_first_failure_is_the_last_attempt(dead_queue: list[dict[str, Any]]) -> None:
    publish(TASK, [(number,) for number in range(50)])
    only_limited(dead_queue, 2)


def test_after_a_failure_the_queue_is_left_alone_for_a_while(
    dead_queue: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that publishes twice waits for one time-out; later the queue is tried again."""
    publish(TASK, [()])
    attempts = len(dead_queue)
    publish(TASK, [()])
    assert len(dead_queue) == attempts
    monkeypatch.setattr(publishing.QUEUE, "retry_at", 0.0)
    publish(TASK, [()])
    assert len(dead_queue) > attempts


def test_an_error_of_one_message_does_not_hold_back_others(db: None) -> None:
    publish(TASK, [(object(),)])
    with published() as queue:
        publish(TASK, [(1,)])
    assert queue == [("advance_replay", [1])]


def test_all_messages_are_published_in_their_order(db: None) -> None:
    with published() as queue:
        publish(TASK, [(number,) for number in range(3)])
    assert queue == [("advance_replay", [number]) for number in range(3)]


# --- Pages, and the recovery of what they could not publish -------------------------------------------------


@pytest.fixture
def market(db: None) -> None:
    load_samples(WALL)
    at_day(TODAY)


def test_a_deployment_is_made_without_the_queue(
    market: None, alice: User, dead_queue: list[dict[str, Any]], django_capture_on_commit_callbacks: Any
) -> None:
    strategy = make_strategy(user=alice)
    account_of(alice)
    with django_capture_on_commit_callbacks(execute=True):
        response = ApiClient(alice).post(
            "/api/v1/live-trading/quick-deploy", {"strategy_id": strategy.pk, "symbols": ["AAPL"]}
        )
    assert response.status == 201, response
    only_limited(dead_queue, 2)
    live = LiveStrategy.objects.get()
    assert (live.status, live.next_check_at) == (LiveStrategy.Status.ACTIVE, NOW)


def test_beat_finds_a_deployment_whose_message_was_lost(market: None, alice: User) -> None:
    live = make_live_strategy(user=alice)
    with published() as queue:
        tasks.dispatch_due_accounts()
        [(name, arguments)] = queue
        assert name == "tick_account"
        tasks.tick_account(*arguments)
    live.refresh_from_db()
    assert live.last_check_at == NOW


def test_a_backtest_is_made_without_the_queue_and_queued_again(
    market: None, alice: User, dead_queue: list[dict[str, Any]], django_capture_on_commit_callbacks: Any
) -> None:
    dates = {"start_date": "2008-01-02", "end_date": "2009-12-31"}
    body = {"strategy_id": make_strategy(user=alice).pk, "initial_capital": 10_000, **dates}
    with django_capture_on_commit_callbacks(execute=True):
        response = ApiClient(alice).post("/api/v1/backtests", body)
    assert response.status == 202, response
    only_limited(dead_queue, 2)
    backtest = Backtest.objects.get()
    assert backtest.status == Backtest.Status.QUEUED
    lost_at = backtest.heartbeat_at + MESSAGE_TIMEOUT
    assert recover_backtests(lost_at) == []
    assert recover_backtests(lost_at + timedelta(seconds=1)) == [backtest.pk]


def test_an_optimizer_run_is_made_without_the_queue_and_queued_again(
    market: None, alice: User, dead_queue: list[dict[str, Any]], django_capture_on_commit_callbacks: Any
) -> None:
    grid = {"fast": {"low": 5, "high": 30, "step": 5}, "slow": {"low": 20, "high": 60, "step": 10}}
    body = {
        "strategy_id": make_strategy(user=alice).pk,
        "symbols": ["AAPL"],
        "start_date": "2005-01-03",
        "end_date": "2009-12-31",
        "initial_capital": 10_000,
        "grid": grid,
    }
    with django_capture_on_commit_callbacks(execute=True):
        response = ApiClient(alice).post("/api/v1/optimizer/runs", body)
    assert response.status == 202, response
    only_limited(dead_queue, 2)
    run = OptimizerRun.objects.get()
    with published() as queue, pytest.MonkeyPatch.context() as restored:
        restored.setattr(publishing, "current_app", current_app)
        restored.setattr(publishing.QUEUE, "retry_at", 0.0)
        restored.setattr(Connection, "connect", connect)
        with django_capture_on_commit_callbacks(execute=True):
            recover_runs(run.created_at + timedelta(minutes=1))
    assert ("run_chunk", [run.pk, 0]) in queue
