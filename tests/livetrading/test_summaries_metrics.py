"""The figures of trading for Prometheus."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from livetrading.models import BrokerAccount, OrderState, SignalHistory
from livetrading.summaries.metrics import trading_metrics
from tests.livetrading.factories import (
    NOW,
    TODAY,
    WALL,
    account_of,
    at_day,
    make_fill,
    make_incident,
    make_live_strategy,
    make_order,
    make_signal,
)
from tradedesk.accounts.models import User


@pytest.fixture(autouse=True)
def _market(db: None) -> None:
    at_day(TODAY)


def samples() -> dict[tuple[str, str], float]:
    return {
        (sample.name.removeprefix("tradedesk_"), next(iter(sample.labels.values()), "")): sample.value
        for family in trading_metrics(WALL)
        for sample in family.samples
    }


def make_desk(user: User) -> None:
    live = make_live_strategy(user=user, next_check_at=NOW - timedelta(seconds=40))
    make_live_strategy(user=user, status="paused", failures=3)
    make_live_strategy(user=user, next_check_at=NOW + timedelta(days=1), failures=3, missed_checks_at=NOW)
    make_signal(live_strategy=live, code="max_positions")
    make_signal(live_strategy=live, outcome=SignalHistory.Outcome.ORDERED, code="ordered")
    make_fill(order=make_order(user=user, state=OrderState.FILLED))
    make_order(user=user, state_changed_at=WALL - timedelta(hours=1))
    make_incident(account=live.account)
    BrokerAccount.objects.filter(pk=account_of(user).pk).update(
        state="degraded", failures=4, entries_stopped_at=NOW
    )


def test_the_figures(alice: User) -> None:
    make_desk(alice)
    found = samples()
    assert {
        ("due_checks", ""): 1,
        ("overdue_checks", ""): 0,
        ("oldest_due_check_age_seconds", ""): 40,
        ("live_strategies", "active"): 2,
        ("live_strategies", "paused"): 1,
        ("troubled_strategies", "failing"): 1,
        ("troubled_strategies", "missed_checks"): 1,
        ("orders", "filled"): 1,
        ("orders", "pending"): 1,
        ("stuck_orders", ""): 1,
        ("fills_total", ""): 1,
        ("refusals_total", "max_positions"): 1,
        ("accounts", "degraded"): 1,
        ("failing_accounts", ""): 1,
        ("halted_accounts", ""): 1,
        ("open_incidents", "position"): 1,
    }.items() <= found.items()
    assert not any(alice.email in label or "AAPL" in label for _, label in found)


def test_the_number_of_queries_does_not_depend_on_the_desk(alice: User, bob: User) -> None:
    counts = []
    for user in (alice, bob, bob):
        make_desk(user)
        with CaptureQueriesContext(connection) as captured:
            samples()
        counts.append(len(captured))
    assert counts[0] == counts[1] == counts[2] <= 16


def test_an_empty_desk_has_figures_too() -> None:
    assert samples()["fills_total", ""] == 0
