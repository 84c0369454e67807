"""Start, pause and stop of a live strategy."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from livetrading.models import LiveStrategy, PaperTrade
from livetrading.services.control import ControlRefused, control, controlled_message
from tests.livetrading.at_once import at_once
from tests.livetrading.factories import NOW, closed, make_live_strategy, make_order, make_paper_trade
from tests.livetrading.published import published
from tradedesk.accounts.models import User, UserVersion
from tradedesk.audit.models import AuditRecord

ACTIVE, PAUSED, ERROR, STOPPED = LiveStrategy.Status
WALL = datetime(2026, 3, 5, 21, tzinfo=UTC)


def one(user: User, status: str, **fields: Any) -> LiveStrategy:
    return make_live_strategy(user=user, name="Mine", status=status, **fields)


def status_of(live: LiveStrategy) -> str:
    return LiveStrategy.objects.values_list("status", flat=True).get(pk=live.pk)


@pytest.mark.parametrize(
    ("status", "action", "then"),
    [
        (ACTIVE, "pause", PAUSED),
        (ACTIVE, "stop", STOPPED),
        (PAUSED, "start", ACTIVE),
        (PAUSED, "stop", STOPPED),
        (STOPPED, "start", ACTIVE),
        (ERROR, "start", ACTIVE),
        (ERROR, "stop", STOPPED),
    ],
)
def test_an_allowed_action_changes_the_status(alice: User, status: str, action: str, then: str) -> None:
    live = one(alice, status)
    changed = control(live, action, NOW, NOW).live
    assert changed.status == status_of(live) == then
    assert UserVersion.objects.filter(user=alice).exists()


@pytest.mark.parametrize(
    ("status", "action", "message"),
    [
        (ACTIVE, "start", "“Mine” is already active."),
        (PAUSED, "pause", "“Mine” is already paused."),
        (STOPPED, "stop", "“Mine” is already stopped."),
        (STOPPED, "pause", "“Mine” is already stopped."),
        (ERROR, "pause", "“Mine” has stopped with an error."),
    ],
)
def test_an_action_that_is_not_allowed_is_refused_with_the_reason(
    alice: User, status: str, action: str, message: str
) -> None:
    live = one(alice, status)
    with pytest.raises(ControlRefused) as refused:
        control(live, action, NOW, NOW)
    assert str(refused.value) == message
    assert status_of(live) == status
    assert not UserVersion.objects.exists()


@pytest.mark.parametrize("status", [PAUSED, ERROR, STOPPED])
def test_a_started_strategy_is_due_at_once_without_its_old_error(
    alice: User, status: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    stale = {
        "next_check_at": NOW + timedelta(days=9),
        "last_error": "The last check failed.",
        "failures": 3,
        "kind_failures": 3,
    }
    live = one(alice, status, **stale)
    with published() as tasks:
        with django_capture_on_commit_callbacks() as callbacks:
            control(live, "start", NOW, NOW)
        assert tasks == []
        for callback in callbacks:
            callback()
    assert tasks == [("check_now", [live.pk])]
    live.refresh_from_db()
    assert (live.next_check_at, live.failures, live.kind_failures, live.last_error) == (NOW, 0, 0, "")


@pytest.mark.parametrize("action", ["pause", "stop"])
def test_a_pause_or_stop_enqueues_nothing_and_keeps_the_positions(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, action: str
) -> None:
    live = one(alice, ACTIVE, last_error="An error.", failures=2)
    held = make_paper_trade(user=alice, live_strategy=live)
    with published() as tasks, django_capture_on_commit_callbacks(execute=True):
        assert control(live, action, NOW, NOW).held == 1
    assert tasks == []
    assert PaperTrade.objects.get() == held
    live.refresh_from_db()
    assert (live.next_check_at, live.last_error, live.failures) == (NOW, "An error.", 2)


def test_a_change_is_audited_with_who_and_what_and_a_refusal_is_not(alice: User) -> None:
    live = one(alice, PAUSED)
    shown = LiveStrategy.objects.get(pk=live.pk)
    control(live, "stop", NOW, WALL)
    with pytest.raises(ControlRefused):
        control(shown, "pause", NOW, WALL)
    control(shown, "start", NOW, WALL, actor="manage.py operator")
    records = [(each.actor, each.action, each.details) for each in AuditRecord.objects.order_by("sequence")]
    assert records == [
        ("alice@example.com", "stop", {"before": "paused", "after": "stopped"}),
        ("manage.py operator", "start", {"before": "stopped", "after": "active"}),
    ]
    assert {each.time for each in AuditRecord.objects.all()} == {WALL}


def test_a_refused_start_enqueues_nothing(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    live = one(alice, ACTIVE)
    with published() as tasks, django_capture_on_commit_callbacks(execute=True), pytest.raises(ControlRefused):
        control(live, "start", NOW, NOW)
    assert tasks == []


@pytest.mark.parametrize("status", [PAUSED, ERROR, STOPPED])
def test_a_deployment_identical_to_an_active_one_cannot_be_started(alice: User, status: str) -> None:
    active = one(alice, ACTIVE)
    identical = one(alice, status, fingerprint=active.fingerprint)
    with pytest.raises(ControlRefused) as refused:
        control(identical, "start", NOW, NOW)
    assert "“Mine”" in str(refused.value)
    assert (status_of(active), status_of(identical)) == (ACTIVE, status)
    control(active, "stop", NOW, NOW)
    assert control(identical, "start", NOW, NOW).live.status == ACTIVE


def test_the_settings_of_another_user_or_mode_do_not_block_a_start(alice: User, bob: User) -> None:
    active = one(alice, ACTIVE)
    for other in (
        one(bob, STOPPED, fingerprint=active.fingerprint),
        one(alice, STOPPED, fingerprint=active.fingerprint, mode="live"),
    ):
        assert control(other, "start", NOW, NOW).live.status == ACTIVE


@pytest.mark.parametrize("action", ["start", "pause", "stop"])
def test_a_deleted_strategy_is_refused(alice: User, action: str) -> None:
    live = one(alice, ACTIVE)
    LiveStrategy.objects.all().delete()
    with pytest.raises(ControlRefused, match="was deleted"):
        control(live, action, NOW, NOW)


def test_the_status_in_the_database_decides(alice: User) -> None:
    """The page still shows the strategy as active after another request has stopped it."""
    shown = one(alice, ACTIVE)
    LiveStrategy.objects.update(status=STOPPED)
    with pytest.raises(ControlRefused):
        control(shown, "pause", NOW, NOW)
    assert shown.status == STOPPED


@pytest.mark.parametrize(("status", "counts"), [(STOPPED, False), (PAUSED, True), (ERROR, True)])
def test_a_stopped_strategy_needs_room_to_start(
    alice: User, bob: User, settings: Settings, status: str, counts: bool
) -> None:
    settings.MAX_LIVE_STRATEGIES = 2
    live, others = one(alice, status), [one(alice, ACTIVE), one(alice, PAUSED)]
    one(bob, ACTIVE)
    if not counts:
        with pytest.raises(ControlRefused, match="Stop one first"):
            control(live, "start", NOW, NOW)
        assert status_of(live) == status
        control(others[0], "stop", NOW, NOW)
    assert control(live, "start", NOW, NOW).live.status == ACTIVE


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("status", "action"), [(STOPPED, "start"), (ACTIVE, "pause"), (ACTIVE, "stop")])
def test_one_of_two_concurrent_presses_is_refused(alice: User, status: str, action: str) -> None:
    live = one(alice, status)
    seen = [LiveStrategy.objects.get(pk=live.pk) for _ in range(2)]
    with published() as tasks:
        results = at_once(*[partial(control, shown, action, NOW, NOW) for shown in seen])
    assert sorted(isinstance(result, ControlRefused) for result in results) == [False, True]
    assert len(tasks) == (action == "start")


@pytest.mark.django_db(transaction=True)
def test_one_of_two_identical_deployments_started_concurrently_becomes_active(alice: User) -> None:
    identical = [one(alice, STOPPED, fingerprint="the same") for _ in range(2)]
    results = at_once(*[partial(control, each, "start", NOW, NOW) for each in identical])
    assert sorted(isinstance(result, ControlRefused) for result in results) == [False, True]
    assert LiveStrategy.objects.filter(status=ACTIVE).count() == 1


# --- Entries that are on their way ------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["pause", "stop"])
@pytest.mark.parametrize(
    ("state", "then"),
    [
        ("pending", "cancelled"),
        ("accepted", "cancel_pending"),
        ("partially_filled", "cancel_pending"),
        # They belong to a sender, whom the gate holds back.
        ("submitting", "submitting"),
        ("unknown", "unknown"),
        ("filled", "filled"),
    ],
)
def test_a_pause_or_stop_cancels_the_entries_of_this_strategy_alone(
    alice: User, action: str, state: str, then: str
) -> None:
    live = one(alice, ACTIVE)
    own = make_order(user=alice, live_strategy=live, state=state)
    others = make_order(user=alice, live_strategy=one(alice, ACTIVE), state=state)
    sale = make_order(user=alice, live_strategy=live, state=state, side="sell", purpose="exit")
    control(live, action, NOW, NOW)
    for order in (own, others, sale):
        order.refresh_from_db()
    assert (own.state, others.state, sale.state) == (then, state, state)


@pytest.mark.parametrize(("held", "said"), [(0, False), (1, True), (2, True)])
def test_the_message_of_a_stop_says_what_is_still_held(alice: User, held: int, said: bool) -> None:
    live = one(alice, ACTIVE)
    for _ in range(held):
        make_paper_trade(user=alice, live_strategy=live)
    make_paper_trade(user=alice, live_strategy=live, **closed(NOW))
    controlled = control(live, "stop", NOW, NOW)
    assert controlled.held == held
    assert (f"{held} open position" in controlled_message(*controlled)) is said
