"""Deleting a live strategy keeps what it did."""

from typing import Any

import pytest
from django.test import Client

from livetrading.models import LiveStrategy, Order, PaperTrade, SignalHistory
from livetrading.services.deletion import NotDeleted, delete_live
from livetrading.services.deploy import DeployRefused, deploy
from tests.livetrading.factories import (
    NOW,
    WALL,
    closed,
    make_live_strategy,
    make_order,
    make_paper_trade,
    make_signal,
    make_strategy,
)
from tests.livetrading.made_bars import flat, store_bars
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    live = make_live_strategy(user=alice, name="Mine", status="paused")
    make_signal(live_strategy=live)
    make_paper_trade(user=alice, live_strategy=live, **closed(NOW))
    return live


def test_it_disappears_from_the_lists_and_its_history_keeps_its_name(live: LiveStrategy) -> None:
    delete_live(live, NOW, WALL)
    assert not live.user.live_strategies.exists()
    assert not live.account.live_strategies.exists()
    kept = LiveStrategy.with_deleted.get()
    assert (kept.status, kept.deleted_at) == ("stopped", NOW)
    for row in (SignalHistory.objects.get(), PaperTrade.objects.get(), Order.objects.get()):
        assert row.live_strategy is not None
        assert row.live_strategy.name == "Mine"
    audited = AuditRecord.objects.get()
    assert (audited.action, audited.details) == ("delete", {"before": "paused", "name": "Mine"})


@pytest.mark.parametrize("state", ["pending", "accepted", "cancel_pending", "unknown"])
def test_one_with_an_order_at_work_is_not_deleted(live: LiveStrategy, state: str) -> None:
    make_order(user=live.user, live_strategy=live, state=state)
    with pytest.raises(NotDeleted, match="1 working order"):
        delete_live(live, NOW, WALL)
    assert LiveStrategy.objects.get().status == "paused"


def test_one_that_holds_shares_is_not_deleted(live: LiveStrategy) -> None:
    make_paper_trade(user=live.user, live_strategy=live)
    with pytest.raises(NotDeleted, match="1 open position"):
        delete_live(live, NOW, WALL)
    assert LiveStrategy.objects.exists()


def test_a_second_press_changes_nothing(live: LiveStrategy) -> None:
    delete_live(live, NOW, WALL)
    delete_live(live, NOW, WALL)
    assert AuditRecord.objects.count() == 1


def test_the_key_of_a_deleted_deployment_is_not_used_again(alice: User) -> None:
    store_bars(AAPL=flat(10, 11), MSFT=flat(20, 21))
    strategy = make_strategy(user=alice)
    press: dict[str, Any] = {"now": NOW, "wall_now": WALL, "deploy_key": "press"}
    live = deploy(alice, strategy, **press)
    delete_live(live, NOW, WALL)
    with pytest.raises(DeployRefused):
        deploy(alice, strategy, **press)
    assert deploy(alice, strategy, now=NOW, wall_now=WALL).pk != live.pk


def test_pages_name_a_deleted_strategy_without_a_link(live: LiveStrategy, alices_browser: Client) -> None:
    link = f'href="/dashboard/live-trading/{live.pk}"'
    assert link in alices_browser.get("/trades").content.decode()
    delete_live(live, NOW, WALL)
    for page in ("/trades", "/signals"):
        body = alices_browser.get(page).content.decode()
        assert link not in body
        assert "Mine" in body
    assert alices_browser.get(f"/dashboard/live-trading/{live.pk}").status_code == 404


def test_the_admin_shows_it(live: LiveStrategy, admin_client: Client) -> None:
    delete_live(live, NOW, WALL)
    assert "Mine" in admin_client.get("/admin/livetrading/livestrategy/").content.decode()
    assert admin_client.get(f"/admin/livetrading/livestrategy/{live.pk}/change/").status_code == 200
