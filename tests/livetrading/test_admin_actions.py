"""An operator starts, pauses, stops and closes deployments and cancels orders, after one confirmation."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from livetrading.models import LiveStrategy, Order, OrderState
from livetrading.pipeline import direct
from tests.livetrading.factories import (
    TODAY,
    WALL,
    at_day,
    make_live_strategy,
    make_order,
    make_paper_trade,
)
from tests.livetrading.test_admin_halts import operator
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord
from tradedesk.marketdata.services import load_samples

Status = LiveStrategy.Status


@pytest.fixture(autouse=True)
def _with_workers(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    load_samples(WALL)
    at_day(TODAY)
    monkeypatch.setattr(direct, "workers_work", lambda wall_now: True)


def send(browser: Client, action: str, rows: list[Any], **fields: Any) -> Any:
    model: type[Model] = type(rows[0])
    url = reverse(f"admin:livetrading_{model._meta.model_name}_changelist")
    return browser.post(url, {"action": action, "_selected_action": [row.pk for row in rows], **fields})


def recorded(action: str) -> list[tuple[str, str, str]]:
    rows = AuditRecord.objects.filter(action=action).order_by("sequence")
    return [(row.actor, row.via, row.subject_id) for row in rows]


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("pause", Status.ACTIVE, Status.PAUSED),
        ("stop", Status.PAUSED, Status.STOPPED),
        ("start", "paused", "active"),
    ],
)
def test_a_deployment_after_the_confirmation(alice: User, action: str, before: str, after: str) -> None:
    live, browser = make_live_strategy(user=alice, name="Mine", status=before), operator(is_superuser=True)
    page = send(browser, action, [live]).content.decode()
    assert "alice@example.com · Mine" in page
    assert LiveStrategy.objects.get().status == before
    assert send(browser, action, [live], confirmed="yes").status_code == 302
    assert LiveStrategy.objects.get().status == after
    assert recorded(action) == [("operator@example.com", "admin", str(live.pk))]
    # What is refused changes nothing, and says so.
    page = send(browser, action, [live], confirmed="yes", follow=True)
    assert recorded(action) == [("operator@example.com", "admin", str(live.pk))]


def test_positions_are_closed_and_orders_cancelled(alice: User) -> None:
    live, browser = make_live_strategy(user=alice), operator(is_superuser=True)
    make_paper_trade(user=alice, live_strategy=live, symbol="AAPL")
    entry = make_order(user=alice, live_strategy=live, symbol="IBM", state=OrderState.PENDING)
    send(browser, "close_positions", [live], confirmed="yes")
    exit_order = Order.objects.get(purpose="exit")
    assert recorded("close")[0][:2] == ("operator@example.com", "admin")
    assert ("operator@example.com", "admin", str(exit_order.pk)) in recorded("order_created")
    send(browser, "cancel", [entry], confirmed="yes")
    entry.refresh_from_db()
    assert entry.state == OrderState.CANCELLED
    assert recorded("cancel_order") == [("operator@example.com", "admin", str(entry.pk))]


def test_who_may_only_read_cannot(alice: User) -> None:
    live, browser = make_live_strategy(user=alice, status=Status.ACTIVE), operator()
    user = User.objects.get(email="operator@example.com")
    user.user_permissions.add(Permission.objects.get(codename="view_livestrategy"))
    send(browser, "stop", [live], confirmed="yes")
    assert LiveStrategy.objects.get().status == Status.ACTIVE
    user.user_permissions.add(Permission.objects.get(codename="change_livestrategy"))
    send(browser, "stop", [live], confirmed="yes")
    assert LiveStrategy.objects.get().status == Status.STOPPED


def test_a_trader_cannot(alice: User, bobs_browser: Client, charlies_browser: Client) -> None:
    live = make_live_strategy(user=alice, status=Status.ACTIVE)
    for browser in (bobs_browser, charlies_browser):
        assert send(browser, "stop", [live], confirmed="yes").status_code == 302
    assert LiveStrategy.objects.get().status == Status.ACTIVE
