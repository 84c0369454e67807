"""Start, pause and stop of a live strategy, and the record of a failed check."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from livetrading.models import LiveStrategy, PaperTrade
from livetrading.pipeline.checks import record_errors
from livetrading.services.control import ControlRefused, control
from tests.livetrading.at_once import at_once
from tests.livetrading.factories import NOW, make_live_strategy, make_paper_trade
from tests.livetrading.published import published
from tradedesk.accounts.models import User, UserVersion
from tradedesk.audit.models import AuditRecord

ACTIVE, PAUSED, STOPPED = LiveStrategy.Status
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
    ],
)
def test_an_allowed_action_changes_the_status(alice: User, status: str, action: str, then: str) -> None:
    live = one(alice, status)
    changed = control(live, action, NOW, NOW)
    assert changed.status == status_of(live) == then
    assert UserVersion.objects.filter(user=alice).exists()


@pytest.mark.parametrize(
    ("status", "action", "message"),
    [
        (ACTIVE, "start", "“Mine” is already active."),
        (PAUSED, "pause", "“Mine” is already paused."),
        (STOPPED, "stop", "“Mine” is already stopped."),
        (STOPPED, "pause", "“Mine” is already stopped."),
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


def test_a_started_strategy_is_due_at_once_without_its_old_error(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    stale = {
        "next_check_at": NOW + timedelta(days=9),
        "last_error": "The last check failed.",
        "failures": 3,
    }
    live = one(alice, STOPPED, **stale)
    with published() as tasks:
        with django_capture_on_commit_callbacks() as callbacks:
            control(live, "start", NOW, NOW)
        assert tasks == []
        for callback in callbacks:
            callback()
    assert tasks == [("check_now", [live.pk])]
    live.refresh_from_db()
    assert (live.next_check_at, live.failures, live.last_error) == (NOW, 0, "")


@pytest.mark.parametrize("action", ["pause", "stop"])
def test_a_pause_or_stop_enqueues_nothing_and_keeps_the_positions(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, action: str
) -> None:
    live = one(alice, ACTIVE, last_error="An error.", failures=2)
    held = make_paper_trade(user=alice, live_strategy=live)
    with published() as tasks, django_capture_on_commit_callbacks(execute=True):
        control(live, action, NOW, NOW)
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


@pytest.mark.parametrize("status", [PAUSED, STOPPED])
def test_a_deployment_identical_to_an_active_one_cannot_be_started(alice: User, status: str) -> None:
    active = one(alice, ACTIVE)
    identical = one(alice, status, fingerprint=active.fingerprint)
    with pytest.raises(ControlRefused) as refused:
        control(identical, "start", NOW, NOW)
    assert "“Mine”" in str(refused.value)
    assert (status_of(active), status_of(identical)) == (ACTIVE, status)
    control(active, "stop", NOW, NOW)
    assert control(identical, "start", NOW, NOW).status == ACTIVE


def test_the_settings_of_another_user_or_mode_do_not_block_a_start(alice: User, bob: User) -> None:
    active = one(alice, ACTIVE)
    for other in (
        one(bob, STOPPED, fingerprint=active.fingerprint),
        one(alice, STOPPED, fingerprint=active.fingerprint, mode="live"),
    ):
        assert control(other, "start", NOW, NOW).status == ACTIVE


def test_the_status_in_the_database_decides(alice: User) -> None:
    """The page still shows the strategy as active after another request has stopped it."""
    shown = one(alice, ACTIVE)
    LiveStrategy.objects.update(status=STOPPED)
    with pytest.raises(ControlRefused):
        control(shown, "pause", NOW, NOW)
    assert shown.status == STOPPED


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


# --- Checks that failed ----------------------------------------------------------------------------------------


def test_a_failed_check_has_its_reason_and_is_repeated_after_the_interval(alice: User, bob: User) -> None:
    live = one(alice, ACTIVE, check_interval=600)
    other = one(bob, ACTIVE)
    record_errors({live.pk: ValueError("The bars of AAPL are damaged.")}, NOW)
    live.refresh_from_db()
    other.refresh_from_db()
    assert live.last_error == "The last check failed: The bars of AAPL are damaged."
    assert (live.last_check_at, live.next_check_at) == (NOW, NOW + timedelta(minutes=10))
    assert (live.failures, other.failures, other.last_error, other.last_check_at) == (1, 0, "", None)


def test_failed_checks_of_a_set_have_their_own_reasons_and_are_counted(alice: User) -> None:
    first, second = one(alice, ACTIVE, failures=4), one(alice, ACTIVE)
    record_errors({first.pk: ValueError("One."), second.pk: ValueError("Two.")}, NOW)
    rows = LiveStrategy.objects.order_by("pk").values_list("last_error", "failures")
    assert list(rows) == [("The last check failed: One.", 5), ("The last check failed: Two.", 1)]


def test_an_error_without_a_message_is_recorded_by_its_name_and_a_long_one_is_cut(alice: User) -> None:
    live = one(alice, ACTIVE)
    record_errors({live.pk: KeyError()}, NOW)
    live.refresh_from_db()
    assert live.last_error == "The last check failed: KeyError"
    record_errors({live.pk: ValueError("x" * 999)}, NOW)
    live.refresh_from_db()
    assert len(live.last_error) == 300


def test_an_error_changes_only_the_progress_of_the_checks(alice: User) -> None:
    live = one(alice, PAUSED)
    before: dict[str, Any] = {**LiveStrategy.objects.values().get()}
    record_errors({live.pk: ValueError("An error.")}, NOW)
    after: dict[str, Any] = {**LiveStrategy.objects.values().get()}
    changed = {name for name, value in after.items() if value != before[name]}
    assert changed == {"last_error", "failures", "last_check_at", "next_check_at"}


def test_the_error_of_a_deleted_deployment_is_ignored(db: None) -> None:
    record_errors({404: ValueError("An error.")}, NOW)
    assert not LiveStrategy.objects.exists()
