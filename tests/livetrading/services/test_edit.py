"""Limits and name of a live strategy are edited while it runs."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from livetrading.models import LiveStrategy
from livetrading.services.edit import EditRefused, edit, edited_message
from tests.livetrading.factories import NOW, WALL, make_live_strategy, make_paper_trade, make_stop
from tradedesk.accounts.models import User, UserVersion
from tradedesk.audit.models import AuditRecord


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice, name="Mine", stop_loss_pct=0.1, max_positions=5)


def stored(live: LiveStrategy) -> LiveStrategy:
    return LiveStrategy.objects.get(pk=live.pk)


@pytest.mark.parametrize(
    ("name", "value", "then"),
    [
        ("name", "  My  name ", "My name"),
        ("check_interval", 60, 60),
        ("auto_execute", False, False),
        ("max_positions", 20, 20),
        ("position_size_pct", 0.5, 0.5),
        ("max_position_size", 2500.5, Decimal("2500.5")),
        ("daily_loss_limit", 100, Decimal(100)),
        ("stop_loss_pct", None, None),
        ("take_profit_pct", 0.2, 0.2),
        ("fractional", True, True),
    ],
)
def test_a_setting_is_changed(live: LiveStrategy, name: str, value: Any, then: Any) -> None:
    edited = edit(live, {name: value}, NOW, WALL)
    assert getattr(stored(live), name) == then
    assert list(edited.after) == [name]


@pytest.mark.parametrize("status", LiveStrategy.Status.values)
def test_an_edit_leaves_the_status_as_it_is(live: LiveStrategy, status: str) -> None:
    LiveStrategy.objects.update(status=status)
    edit(live, {"max_positions": 7}, NOW, WALL)
    assert (stored(live).risk_rules().max_positions, stored(live).status) == (7, status)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"max_positions": 21}, "max_positions"),
        ({"max_positions": 0}, "max_positions"),
        ({"max_positions": 2.5}, "max_positions"),
        ({"position_size_pct": 0.51}, "position_size_pct"),
        ({"position_size_pct": float("nan")}, "position_size_pct"),
        ({"check_interval": 59}, "check_interval"),
        ({"check_interval": 3601}, "check_interval"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "a\u200bb"}, "name"),
        ({"trailing_stop_pct": 0.1, "trailing_stop_atr": 3.0}, "trailing_stop_atr"),
        ({"kind": "macd"}, "kind"),
        ({"parameters": {"fast": 5}}, "parameters"),
        ({"symbols": ["IBM"]}, "symbols"),
        ({"timeframe": "1Hour"}, "timeframe"),
        ({"status": "stopped"}, "status"),
        ({"account": 7}, "account"),
    ],
)
def test_a_refused_edit_names_the_field_and_writes_nothing(
    live: LiveStrategy, changes: dict[str, Any], field: str
) -> None:
    before = LiveStrategy.objects.values().get()
    with pytest.raises(EditRefused) as refused:
        edit(live, {"auto_execute": False, **changes}, NOW, WALL)
    assert list(refused.value.errors) == [field]
    assert LiveStrategy.objects.values().get() == before
    assert not AuditRecord.objects.exists()


def test_a_deleted_strategy_is_refused(live: LiveStrategy) -> None:
    LiveStrategy.objects.all().delete()
    with pytest.raises(EditRefused) as refusal:
        edit(live, {"max_positions": 7}, NOW, WALL)
    assert list(refusal.value.errors) == ["name"]


def test_two_rules_that_exclude_each_other_are_refused_also_one_after_the_other(live: LiveStrategy) -> None:
    edit(live, {"trailing_stop_pct": 0.1}, NOW, WALL)
    with pytest.raises(EditRefused) as refused:
        edit(live, {"trailing_stop_atr": 3.0}, NOW, WALL)
    assert list(refused.value.errors) == ["trailing_stop_atr"]


def test_an_edit_is_audited_with_the_values_before_and_after(live: LiveStrategy) -> None:
    edit(live, {"max_positions": 7, "name": "Mine", "daily_loss_limit": 250.0}, NOW, WALL, actor="manage.py x")
    audited = AuditRecord.objects.get()
    assert (audited.actor, audited.action, audited.subject_id) == ("manage.py x", "edit", str(live.pk))
    assert audited.details == {
        "before": {"max_positions": 5, "daily_loss_limit": None},
        "after": {"max_positions": 7, "daily_loss_limit": "250.000000"},
    }


def test_what_is_equal_already_changes_nothing(live: LiveStrategy) -> None:
    edited = edit(live, {"max_positions": 5, "position_size_pct": None}, NOW, WALL)
    assert (edited.before, edited.after) == ({}, {})
    assert not AuditRecord.objects.exists()
    assert not UserVersion.objects.exists()


def test_a_shorter_check_interval_counts_from_now_on(live: LiveStrategy) -> None:
    LiveStrategy.objects.update(next_check_at=NOW + timedelta(hours=1))
    edit(live, {"check_interval": 60}, NOW, WALL)
    assert stored(live).next_check_at == NOW + timedelta(seconds=60)
    edit(live, {"check_interval": 600}, NOW, WALL)
    assert stored(live).next_check_at == NOW + timedelta(seconds=60)


@pytest.mark.parametrize(("changes", "said"), [({"stop_loss_pct": 0.2}, True), ({"max_positions": 2}, False)])
def test_the_exits_of_open_lots_stay_as_they_were_made_and_the_message_says_so(
    live: LiveStrategy, changes: dict[str, Any], said: bool
) -> None:
    lot = make_paper_trade(user=live.user, live_strategy=live)
    leg = make_stop(trade=lot)
    edited = edit(live, changes, NOW, WALL)
    leg.refresh_from_db()
    lot.refresh_from_db()
    assert (leg.distance, leg.stop_price, lot.stop_price) == (0.1, 27, 27)
    assert edited.held == 1
    assert ("1 open position stay" in edited_message(edited)) is said
