"""Failed checks: what passes is tried again, what does not sets the status ERROR."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from hypothesis import given
from hypothesis import strategies as st

from livetrading.models import LiveStrategy, Order, OrderState, PaperTrade
from livetrading.pipeline.failures import KIND_FAILURES, is_permanent, record_failures, retry_after
from livetrading.pipeline.kind_code import KindFailed
from livetrading.services.control import control
from strategies.kinds import InvalidParameters
from strategies.kinds.donchian_breakout import DonchianBreakout
from tests.livetrading.factories import NOW, make_live_strategy, make_order
from tests.livetrading.made_bars import CLOSES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, check, open_account, step
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy, signals_of
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord
from tradedesk.notifications.events import Event
from tradedesk.notifications.models import Notification

ACTIVE, PAUSED, ERROR, STOPPED = LiveStrategy.Status


def fail(live: LiveStrategy, *errors: Exception) -> LiveStrategy:
    """The strategy after checks that failed like this, one after the other."""
    for error in errors:
        record_failures({live.pk: error}, NOW, WALL)
    return LiveStrategy.objects.get(pk=live.pk)


# --- What passes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind_failures", "permanent"),
    [
        (InvalidParameters({"": "There is no strategy kind “x”."}), 0, True),
        (KindFailed("An error."), KIND_FAILURES - 1, False),
        (KindFailed("An error."), KIND_FAILURES, True),
        (OperationalError("The database is away."), 0, False),
        (OSError("The disk is full."), 0, False),
        (MemoryError(), 0, False),
    ],
)
def test_what_is_permanent(error: Exception, kind_failures: int, permanent: bool) -> None:
    assert is_permanent(error, kind_failures) is permanent


@given(st.integers(1, 10_000), st.integers(60, 3600))
def test_the_wait_doubles_up_to_the_check_interval(failures: int, interval: int) -> None:
    wait = retry_after(failures, interval)
    assert timedelta(seconds=10) <= wait <= timedelta(seconds=interval)
    assert retry_after(failures + 1, interval) == min(2 * wait, timedelta(seconds=interval))


def test_a_failed_check_has_its_reason_and_is_repeated_soon(alice: User, bob: User) -> None:
    live = make_live_strategy(user=alice, check_interval=600)
    other = make_live_strategy(user=bob)
    live = fail(live, ValueError("The bars of AAPL are damaged."))
    other.refresh_from_db()
    assert live.last_error == "The last check failed: The bars of AAPL are damaged."
    assert live.degraded == live.last_error
    assert (live.last_check_at, live.next_check_at) == (NOW, NOW + timedelta(seconds=10))
    assert (live.failures, other.failures, other.degraded, other.last_check_at) == (1, 0, "", None)


def test_failed_checks_of_a_set_have_their_own_reasons_and_are_counted(alice: User) -> None:
    first, second = make_live_strategy(user=alice, failures=4), make_live_strategy(user=alice)
    record_failures({first.pk: ValueError("One."), second.pk: ValueError("Two.")}, NOW, WALL)
    rows = LiveStrategy.objects.order_by("pk").values_list("last_error", "failures")
    assert list(rows) == [("The last check failed: One.", 5), ("The last check failed: Two.", 1)]


def test_an_error_without_a_message_is_recorded_by_its_name_and_a_long_one_is_cut(alice: User) -> None:
    live = make_live_strategy(user=alice)
    assert fail(live, KeyError()).last_error == "The last check failed: KeyError"
    assert len(fail(live, ValueError("x" * 999)).last_error) == 300


@pytest.mark.parametrize("status", [ACTIVE, PAUSED])
def test_a_passing_failure_changes_only_the_progress_of_the_checks(alice: User, status: str) -> None:
    live = make_live_strategy(user=alice, status=status)
    before: dict[str, Any] = {**LiveStrategy.objects.values().get()}
    fail(live, *[ValueError("An error.")] * 9)
    after: dict[str, Any] = {**LiveStrategy.objects.values().get()}
    changed = {name for name, value in after.items() if value != before[name]}
    assert changed == {"last_error", "failures", "last_check_at", "next_check_at"}
    assert not Notification.objects.exists()


def test_the_error_of_a_deleted_deployment_is_ignored(db: None) -> None:
    record_failures({404: ValueError("An error.")}, NOW, WALL)
    assert not LiveStrategy.objects.exists()


# --- ERROR -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [ACTIVE, PAUSED])
def test_a_permanent_failure_sets_error_with_message_notification_and_audit(alice: User, status: str) -> None:
    live = make_live_strategy(user=alice, status=status, name="Mine")
    entry = make_order(user=alice, live_strategy=live)
    live = fail(live, InvalidParameters({"": "There is no strategy kind “x”."}))
    assert (live.status, live.last_error) == (ERROR, "The last check failed: There is no strategy kind “x”.")
    note = Notification.objects.get()
    assert (note.user, note.event, note.url) == (alice, Event.STRATEGY_ERROR, f"/dashboard/live-trading/{live.pk}")
    assert live.last_error in note.text
    audited, cancelled = AuditRecord.objects.order_by("sequence")
    assert (audited.actor, audited.action, audited.details["before"]) == ("the desk", "error", status)
    assert (cancelled.action, cancelled.subject_id) == ("order_cancelled", str(entry.pk))
    entry.refresh_from_db()
    assert entry.state == OrderState.CANCELLED


def test_a_strategy_that_was_stopped_meanwhile_stays_stopped(alice: User) -> None:
    live = make_live_strategy(user=alice, status=STOPPED)
    assert fail(live, InvalidParameters({"": "No."})).status == STOPPED
    assert not Notification.objects.exists()


@pytest.mark.parametrize(
    ("errors", "status"),
    [
        ([KindFailed("row 1")] * 2, ACTIVE),
        ([KindFailed("row 1"), KindFailed("row 2"), KindFailed("row 3")], ERROR),  # the same but for a number
        ([KindFailed("one"), KindFailed("two"), KindFailed("one"), KindFailed("two")], ACTIVE),
        ([KindFailed("one"), OSError("one"), KindFailed("one"), KindFailed("one")], ACTIVE),
        ([ValueError("one")] * 9, ACTIVE),
    ],
)
def test_a_kind_that_fails_three_times_in_a_row_in_the_same_way_is_an_error(
    alice: User, errors: list[Exception], status: str
) -> None:
    assert fail(make_live_strategy(user=alice), *errors).status == status


def test_an_unknown_kind_is_an_error_at_the_first_check(alice: User) -> None:
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL", kind="gone")
    store_bars(AAPL=flat(10, 10, 12))
    check(live, CLOSES[2])
    live.refresh_from_db()
    assert live.status == ERROR
    assert "gone" in live.last_error


def test_a_strategy_with_an_error_trades_nothing_keeps_its_stop_and_starts_again(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bought on bar 3. The kind then fails at three checks; on bar 6 the stop at 10.8 sells."""
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL", stop_loss_pct=0.1)
    healthy = make_two_bar_strategy(alice, "AAPL", parameters={"entry": 3, "exit": 3})
    store_bars(AAPL=flat(10, 10, 12, 12, 11.5, 11.4, 10, 9, 13))
    for now in CLOSES[2:4]:
        step(live, now)
    with monkeypatch.context() as broken:
        broken.setattr(DonchianBreakout, "check", lambda self: self.explode() if self.entry == 2 else "")
        for now in CLOSES[4:7]:
            step(live, now)
            step(healthy, now)
    live.refresh_from_db()
    healthy.refresh_from_db()
    assert (live.status, live.failures, live.kind_failures) == (ERROR, 3, 3)
    assert (healthy.status, healthy.last_check_at) == (ACTIVE, CLOSES[6])
    lot = PaperTrade.objects.get(live_strategy=live)
    assert (lot.exit_reason, float(lot.exit_price or 0)) == ("stop_loss", 10.0)
    step(live, CLOSES[7])
    assert [side for _, side, _ in signals_of(live)] == ["buy"]
    control(live, "start", CLOSES[8], WALL)
    step(live, CLOSES[8])
    live.refresh_from_db()
    assert (live.status, live.failures, live.last_error) == (ACTIVE, 0, "")
    assert Order.objects.filter(live_strategy=live, purpose="entry").count() == 2
