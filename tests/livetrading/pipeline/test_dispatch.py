"""Dispatch of accounts: each is claimed by one worker, those that waited longest first."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from livetrading.models import (
    BrokerAccount,
    Halt,
    Incident,
    LivePosition,
    LiveStrategy,
    Order,
    OrderState,
    PaperPosition,
    TradeStream,
)
from livetrading.models.order import FINAL, WORKING
from livetrading.pipeline import dispatch as dispatch_module
from livetrading.pipeline.dispatch import (
    NUDGED_EVERY,
    RECONCILE_EVERY,
    WATCH_EVERY,
    claim_due_accounts,
    release,
    renew,
)
from livetrading.pipeline.fence import LEASE
from tests.livetrading.at_once import at_once
from tests.livetrading.factories import NOW, WALL, account_of, make_live_strategy, make_order
from tradedesk.accounts.models import User

SECOND, INSTANT = timedelta(seconds=1), timedelta(microseconds=1)
S = OrderState


@pytest.fixture
def account(alice: User) -> BrokerAccount:
    """Reconciled just now, with nothing to do."""
    BrokerAccount.objects.filter(pk=account_of(alice).pk).update(reconciled_at=NOW)
    return account_of(alice)


def due(user: User, **fields: Any) -> int:
    """The id of an account with a strategy whose check is due now."""
    return make_live_strategy(user=user, **fields).account_id


def claimed(now: datetime = NOW, wall_now: datetime = WALL) -> list[int]:
    return [account_id for account_id, _ in claim_due_accounts(now, wall_now)]


def many_due(count: int) -> list[int]:
    users = [User.objects.create_user(f"user{number}@example.com", "password") for number in range(count)]
    return [due(user) for user in users]


# --- The claim -------------------------------------------------------------------------------------------------


def test_an_account_with_due_checks_is_claimed_once(alice: User, bob: User) -> None:
    mine = due(alice)
    due(alice, next_check_at=NOW - timedelta(days=3))
    bobs = due(bob)
    assert sorted(claim_due_accounts(NOW, WALL)) == [(mine, WALL + LEASE), (bobs, WALL + LEASE)]
    assert set(BrokerAccount.objects.values_list("claimed_until", flat=True)) == {WALL + LEASE}


def test_an_account_whose_checks_are_not_due_is_not_claimed(account: BrokerAccount, alice: User) -> None:
    due(alice, next_check_at=NOW + INSTANT)
    assert claimed() == []
    assert BrokerAccount.objects.get().claimed_until is None
    assert claimed(NOW + INSTANT) == [account.pk]


def test_a_paused_strategy_is_due(account: BrokerAccount, alice: User) -> None:
    due(alice, status="paused")
    assert claimed() == [account.pk]


@pytest.mark.parametrize("status", ["error", "stopped"])
def test_an_inactive_strategy_is_not_due(account: BrokerAccount, alice: User, status: str) -> None:
    due(alice, status=status)
    assert claimed() == []


def test_a_claim_holds_until_its_lease_ends(alice: User) -> None:
    account = due(alice)
    claimed()
    assert claimed(wall_now=WALL + SECOND) == []
    assert claimed(wall_now=WALL + LEASE - INSTANT) == []
    assert claimed(wall_now=WALL + LEASE) == [account]
    assert BrokerAccount.objects.get().claimed_until == WALL + 2 * LEASE


def test_the_lease_is_measured_in_wall_time_and_not_in_market_time(alice: User) -> None:
    due(alice)
    claimed()
    assert claimed(NOW + timedelta(days=30), WALL + SECOND) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_two_concurrent_dispatchers_claim_each_account_once(db: None, attempt: int) -> None:
    accounts = many_due(12)
    results = at_once(claimed, claimed)
    assert sorted(results[0] + results[1]) == accounts


def test_the_accounts_that_were_served_least_recently_are_claimed_first(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account that was never served comes first."""
    monkeypatch.setattr(dispatch_module, "ACCOUNTS", 2)
    accounts = many_due(4)
    for pk, minutes in zip(accounts[:3], (1, 3, 2), strict=True):
        BrokerAccount.objects.filter(pk=pk).update(claimed_until=WALL - timedelta(minutes=minutes))
    assert claimed() == [accounts[3], accounts[1]]
    for account_id, until in zip((accounts[3], accounts[1]), (WALL, WALL), strict=True):
        release(account_id, WALL + LEASE, until)
    # Both are due again, and have to wait for the others.
    assert claimed(wall_now=WALL + SECOND) == [accounts[2], accounts[0]]


# --- What needs a tick -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(OrderState))
def test_an_order_that_waits_for_an_answer_is_due_at_once_and_a_working_one_after_a_while(
    account: BrokerAccount, alice: User, state: OrderState
) -> None:
    make_order(user=alice, state=state)
    at_once_due = state in (S.UNKNOWN, S.CANCEL_PENDING)
    assert claimed() == ([account.pk] if at_once_due else [])
    BrokerAccount.objects.update(claimed_until=None)
    assert claimed(NOW + RECONCILE_EVERY - INSTANT) == ([account.pk] if at_once_due else [])
    BrokerAccount.objects.update(claimed_until=None)
    assert claimed(NOW + RECONCILE_EVERY) == ([account.pk] if state in WORKING else [])


def test_every_state_is_in_that_table() -> None:
    assert set(WORKING) | set(FINAL) == set(OrderState)


def test_an_exit_that_waits_for_its_shares_is_due_at_once(account: BrokerAccount, alice: User) -> None:
    make_order(user=alice, state=S.WAITING, purpose=Order.Purpose.EXIT, side="sell")
    assert claimed() == [account.pk]


def test_a_halt_is_due_until_it_has_begun_and_while_entries_work(account: BrokerAccount, alice: User) -> None:
    """What then waits for the market is looked at when the account is reconciled again."""
    halt = Halt.objects.create(account=account, action="flatten", requested_at=NOW, requested_wall=WALL)
    assert claimed() == [account.pk]
    release_all()
    Halt.objects.update(started_at=WALL)
    assert claimed() == []
    entry = make_order(user=alice, state=S.SUBMITTING)
    assert claimed() == [account.pk]
    release_all()
    entry.delete()
    assert claimed() == []
    assert claimed(NOW + RECONCILE_EVERY) == [account.pk]
    release_all()
    for field in ("finished_at", "lifted_at"):
        Halt.objects.filter(pk=halt.pk).update(**{field: WALL})
        assert claimed(NOW + RECONCILE_EVERY) == []
        Halt.objects.filter(pk=halt.pk).update(**{field: None})


def release_all() -> None:
    BrokerAccount.objects.update(claimed_until=None)


def test_an_account_that_was_never_reconciled_is_due_when_an_order_works(alice: User) -> None:
    account = account_of(alice)
    assert claimed() == []
    make_order(user=alice, state=S.ACCEPTED)
    assert claimed() == [account.pk]


def test_an_account_with_an_open_incident_is_reconciled_until_it_is_closed(
    account: BrokerAccount, alice: User
) -> None:
    """So a difference is reported after it has lasted, and a fill that was set aside is tried again."""
    Incident.objects.create(account=account, kind="cash", key="", first_seen_at=NOW)
    assert claimed() == []
    assert claimed(NOW + RECONCILE_EVERY) == [account.pk]
    BrokerAccount.objects.update(claimed_until=None)
    Incident.objects.update(resolved_at=NOW)
    assert claimed(NOW + RECONCILE_EVERY) == []


def test_an_account_at_rest_is_asked_now_and_then_where_it_is_not_simulated(
    account: BrokerAccount, bob: User, settings: Any
) -> None:
    """Nothing is held; what the broker undoes or charges later must be seen all the same."""
    settings.BROKERS = settings.BROKERS | {"remote": "somewhere"}
    remote = {"user": bob, "broker": "remote", "mode": "live", "reconciled_at": NOW}
    rest = BrokerAccount.objects.create(name="R", verified_at=WALL, **remote)
    BrokerAccount.objects.create(name="Not verified", active=False, **remote)
    BrokerAccount.objects.create(name="Revoked", active=False, verified_at=WALL, revoked_at=WALL, **remote)
    BrokerAccount.objects.create(name="G", active=False, verified_at=WALL, **(remote | {"broker": "gone"}))
    assert claimed(NOW + WATCH_EVERY - INSTANT) == []
    assert claimed(NOW + WATCH_EVERY) == [rest.pk]


def fail(account: BrokerAccount) -> None:
    BrokerAccount.objects.update(failures=1)


def hold_on_paper(account: BrokerAccount) -> None:
    PaperPosition.objects.create(**_position(account))


def hold(account: BrokerAccount) -> None:
    LivePosition.objects.create(**_position(account))


def _position(account: BrokerAccount) -> dict[str, Any]:
    return {"account": account, "symbol": "AAPL", "quantity": 10, "average_price": 30, "updated_at": NOW}


@pytest.mark.parametrize("change", [fail, hold_on_paper, hold])
def test_an_account_that_failed_or_holds_something_is_due_after_a_while(
    account: BrokerAccount, bob: User, change: Callable[[BrokerAccount], None]
) -> None:
    change(account)
    # Bob's account has nothing that could change.
    BrokerAccount.objects.filter(pk=account_of(bob).pk).update(reconciled_at=None, failures=0)
    assert claimed(NOW + RECONCILE_EVERY - INSTANT) == []
    assert claimed(NOW + RECONCILE_EVERY) == [account.pk]
    BrokerAccount.objects.update(claimed_until=None, reconciled_at=NOW + RECONCILE_EVERY)
    assert claimed(NOW + RECONCILE_EVERY) == []
    BrokerAccount.objects.filter(pk=account.pk).update(reconciled_at=None)
    assert claimed(NOW + RECONCILE_EVERY) == [account.pk]


def test_the_orders_of_one_account_do_not_make_another_due(account: BrokerAccount, bob: User) -> None:
    make_order(user=bob, state=S.UNKNOWN)
    assert claimed() == [account_of(bob).pk]


# --- Renew and release -----------------------------------------------------------------------------------------


def test_a_renewed_claim_lasts_longer(alice: User) -> None:
    account = due(alice)
    ((_, until),) = claim_due_accounts(NOW, WALL)
    assert renew(account, until, WALL + 20 * SECOND) == WALL + 20 * SECOND + LEASE
    assert claimed(wall_now=WALL + LEASE + SECOND) == []
    assert renew(account, until, WALL + 21 * SECOND) is None, "the old end is not the claim any more"


def test_a_claim_that_was_lost_is_neither_renewed_nor_released(alice: User) -> None:
    account = due(alice)
    ((_, until),) = claim_due_accounts(NOW, WALL)
    later = WALL + LEASE + SECOND
    assert claimed(wall_now=later) == [account]
    assert renew(account, until, later) is None
    release(account, until, later)
    assert BrokerAccount.objects.get().claimed_until == later + LEASE


def test_a_released_account_can_be_claimed_from_that_time_on(alice: User) -> None:
    account = due(alice)
    ((_, until),) = claim_due_accounts(NOW, WALL)
    release(account, until, WALL + 8 * SECOND)
    assert claimed(wall_now=WALL + 7 * SECOND) == []
    assert claimed(wall_now=WALL + 8 * SECOND) == [account]


def test_dispatching_takes_one_query_and_one_update_for_all_accounts(
    db: None, django_assert_num_queries: Any
) -> None:
    many_due(3)
    for live in LiveStrategy.objects.all():
        for _ in range(3):
            make_live_strategy(user=live.user)
    with django_assert_num_queries(4):
        assert len(claimed()) == 3


# --- What the broker told --------------------------------------------------------------------------------------


def told(account: BrokerAccount, at: datetime, *, reconciled_at: datetime | None) -> bool:
    """Whether the account is due at NOW when its broker has told at `at` that something happened."""
    BrokerAccount.objects.filter(pk=account.pk).update(reconciled_at=reconciled_at, claimed_until=None)
    TradeStream.objects.update_or_create(account=account, defaults={"nudged_at": at})
    return claimed() == [account.pk]


def test_an_account_is_due_at_once_when_its_broker_told_of_something(account: BrokerAccount) -> None:
    before = NOW - NUDGED_EVERY
    assert told(account, NOW, reconciled_at=before)
    # Also when the message came while a reconciliation was under way, which may not have seen it.
    assert told(account, before + INSTANT, reconciled_at=before)
    assert not told(account, before, reconciled_at=before)


def test_a_burst_of_messages_makes_no_burst_of_ticks(account: BrokerAccount) -> None:
    assert not told(account, NOW, reconciled_at=NOW - NUDGED_EVERY + INSTANT)


def test_a_message_of_the_future_says_nothing(account: BrokerAccount) -> None:
    """A clock went back."""
    assert not told(account, NOW + SECOND, reconciled_at=NOW - NUDGED_EVERY)
