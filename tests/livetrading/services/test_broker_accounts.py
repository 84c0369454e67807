"""Adding, renaming, activating and revoking broker accounts."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from pytest_django import Settings

from livetrading.credentials import Credentials, credentials_of
from livetrading.models import AccountRule, BrokerAccount, ConnectionTest, Halt, LiveStrategy
from livetrading.pipeline.dispatch import claim_due_accounts
from livetrading.pipeline.tick import tick
from livetrading.services import broker_accounts as accounts
from livetrading.services.accounts import NoBroker, active_account, broker_for
from livetrading.services.broker_accounts import AccountRefused
from livetrading.services.control import ControlRefused, control
from livetrading.services.deploy import DeployRefused, check_room
from livetrading.services.halt import OperatorsHalt, lift, request
from livetrading.services.missed_checks import find_missed_checks
from livetrading.services.overdue import due_checks
from livetrading.services.replay_hold import unfinished_work
from livetrading.summaries.broker_accounts import revoked_accounts
from tests.livetrading.factories import (
    NOW,
    TODAY,
    WALL,
    account_of,
    at_day,
    make_live_strategy,
    make_order,
    make_paper_trade,
)
from tests.livetrading.keyed_broker import (
    KEYS,
    OTHER_KEYS,
    WRONG_KEYS,
    KeyedBroker,
    add,
    add_verified,
    report,
    run,
    use,
)
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord
from tradedesk.encryption import NotDecrypted
from tradedesk.marketdata.clock import MarketStatus

REAL = MarketStatus(kind="real", is_open=True)


@pytest.fixture
def broker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> KeyedBroker:
    return use(settings, monkeypatch)


def audited() -> list[str]:
    return list(AuditRecord.objects.order_by("sequence").values_list("action", flat=True))


# --- Add -------------------------------------------------------------------------------------------------------


def test_a_new_account_is_tested_and_not_active(alice: User) -> None:
    account = add(alice, activate=True)
    account.refresh_from_db()
    assert (account.broker, account.mode, account.active, account.key_hint) == ("alpaca", "paper", False, "KEY1")
    assert (account.verified_at, account.connection_test.state) == (None, "queued")
    assert credentials_of(account) == KEYS
    # The rules of the first paper account.
    kinds = set(account.rules.values_list("kind", flat=True))
    assert kinds == set(
        AccountRule.objects.filter(account=active_account(alice.pk, "paper")).values_list("kind", flat=True)
    )
    assert kinds
    assert audited() == ["account_added"]


def test_a_simulation_works_at_once_and_is_active_where_there_is_no_other(alice: User) -> None:
    first = accounts.add_account(alice, "paper", "paper", "One", None, activate=False, wall_now=WALL)
    second = accounts.add_account(alice, "paper", "paper", "Two", None, activate=False, wall_now=WALL)
    assert active_account(alice.pk, "paper") == first
    assert (first.equity, first.paper_account.cash, first.rules.exists()) == (100_000, 100_000, True)
    accounts.activate_account(second, by=alice, wall_now=WALL)
    assert active_account(alice.pk, "paper") == second
    assert not ConnectionTest.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"broker": "saxo"}, "broker"),
        ({"mode": "real"}, "mode"),
        ({"broker": "paper", "mode": "live", "credentials": None}, "mode"),
        ({"broker": "paper"}, "key_id"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "Golden\u202eaccount"}, "name"),
        ({"credentials": None}, "key_id"),
        ({"credentials": Credentials(key_id="", secret="s" * 20)}, "key_id"),
        ({"credentials": Credentials(key_id="short", secret="s" * 20)}, "key_id"),
        ({"credentials": Credentials(key_id="dispatch_due_accounts", secret="s" * 20)}, "key_id"),
        ({"credentials": Credentials(key_id="1" * 20, secret="s" * 20)}, "key_id"),
        ({"credentials": Credentials(key_id="k1" * 10, secret="dispatch_due_accounts")}, "secret"),
        ({"credentials": Credentials(key_id="k" * 129, secret="s" * 20)}, "key_id"),
        ({"credentials": Credentials(key_id="k1" * 10, secret="")}, "secret"),
        ({"credentials": Credentials(key_id="k1" * 10, secret="two words of a text")}, "secret"),
        ({"credentials": Credentials(key_id="k1" * 10, secret="line\nbreak0123456789")}, "secret"),
        ({"credentials": Credentials(key_id="k1" * 10, secret="s" * 257)}, "secret"),
    ],
)
def test_what_cannot_be_added_is_refused_at_its_field(alice: User, changes: dict[str, Any], field: str) -> None:
    values: dict[str, Any] = {"broker": "alpaca", "mode": "paper", "name": "A", "credentials": KEYS} | changes
    with pytest.raises(AccountRefused) as refusal:
        accounts.add_account(alice, **values, activate=False, wall_now=WALL)
    assert refusal.value.field == field
    assert not BrokerAccount.objects.exists()


def test_spaces_around_the_keys_are_taken_off(alice: User) -> None:
    account = add(alice, keys=Credentials(key_id=f" {KEYS.key_id}\n", secret=f"\t{KEYS.secret} "))
    assert credentials_of(account) == KEYS


def test_keys_do_not_show_themselves() -> None:
    assert f"{KEYS} {KEYS!r}" == "Credentials(…KEY1) Credentials(…KEY1)"


def test_a_user_has_a_number_of_accounts_at_most(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "MOST", 1)
    first = add(alice)
    with pytest.raises(AccountRefused) as refusal:
        add(alice, mode="live")
    assert refusal.value.field == ""
    accounts.revoke_account(first, by=alice, wall_now=WALL)
    assert add(alice, mode="live").pk


def test_a_copied_row_does_not_decrypt(alice: User, bob: User) -> None:
    hers, his = add(alice), add(bob, keys=OTHER_KEYS)
    BrokerAccount.objects.filter(pk=his.pk).update(credentials=hers.credentials)
    his.refresh_from_db()
    with pytest.raises(NotDecrypted):
        credentials_of(his)
    # Nor in another account of the owner, nor in this one for another user.
    second = add(alice, keys=OTHER_KEYS)
    second.credentials = hers.credentials
    with pytest.raises(NotDecrypted):
        credentials_of(second)
    hers.user_id = bob.pk
    with pytest.raises(NotDecrypted):
        credentials_of(hers)


def test_a_rename_is_audited_once(alice: User) -> None:
    account = add(alice)
    for _ in range(2):
        accounts.rename_account(account, " My  account ", by=alice, wall_now=WALL)
    account.refresh_from_db()
    assert (account.name, audited()) == ("My account", ["account_added", "account_renamed"])


# --- Activate --------------------------------------------------------------------------------------------------


def test_an_account_that_is_not_verified_cannot_be_active(alice: User, broker: KeyedBroker) -> None:
    simulation, account = active_account(alice.pk, "paper"), add(alice)
    with pytest.raises(AccountRefused):
        accounts.activate_account(account, by=alice, wall_now=WALL)
    assert active_account(alice.pk, "paper") == simulation
    run(account)
    accounts.activate_account(account, by=alice, wall_now=WALL)
    assert active_account(alice.pk, "paper") == account
    simulation.refresh_from_db()
    assert not simulation.active
    assert audited()[-1] == "account_activated"
    accounts.activate_account(account, by=alice, wall_now=WALL)
    assert audited().count("account_activated") == 1


def test_only_a_verified_and_active_live_account_configures_live_trading(alice: User, broker: KeyedBroker) -> None:
    account = add(alice, mode="live")
    found = [accounts.is_live_configured(alice)]
    run(account)
    found.append(accounts.is_live_configured(alice))
    accounts.activate_account(account, by=alice, wall_now=WALL)
    found.append(accounts.is_live_configured(alice))
    del broker.accounts[KEYS.key_id]
    accounts.request_test(account, by=alice, wall_now=WALL)
    run(account)
    found.append(accounts.is_live_configured(alice))
    assert found == [False, False, True, False]


def test_nothing_is_deployed_in_an_account_that_is_not_verified(alice: User) -> None:
    account = add(alice)
    account.equity = Decimal(1000)
    with pytest.raises(DeployRefused):
        check_room(account)
    account.verified_at = WALL
    check_room(account)


# --- Revoke ----------------------------------------------------------------------------------------------------


def test_revoking_deletes_the_keys_and_pauses_what_depends_on_them(alice: User, broker: KeyedBroker) -> None:
    simulation = active_account(alice.pk, "paper")
    account = add_verified(alice)
    BrokerAccount.objects.filter(pk=account.pk).update(failures=5, state="degraded", state_reason="x")
    active = make_live_strategy(user=alice, account=account)
    failing = make_live_strategy(user=alice, account=account, status="paused", failures=4, last_error="x")
    other = make_live_strategy(user=alice, account=simulation)
    assert accounts.revoke_account(account, by=alice, wall_now=WALL) == 1
    account.refresh_from_db()
    assert (account.credentials, account.active, account.revoked_at) == ("", False, WALL)
    assert (account.key_hint, account.failures, account.state) == ("KEY1", 0, "connected")
    assert not ConnectionTest.objects.exists()
    statuses = dict(LiveStrategy.objects.values_list("pk", "status"))
    assert statuses == {active.pk: "paused", failing.pk: "paused", other.pk: "active"}
    active.refresh_from_db()
    failing.refresh_from_db()
    assert account.name in active.last_error
    assert failing.failures == 0
    assert active_account(alice.pk, "paper") == simulation
    details = AuditRecord.objects.get(action="account_revoked").details
    assert details == {"name": "Alpaca paper", "key": "KEY1", "paused": [active.pk]}
    assert accounts.revoke_account(account, by=alice, wall_now=WALL) == 0


def test_what_depended_on_a_revoked_account_is_not_checked_and_no_alarm(alice: User, broker: KeyedBroker) -> None:
    account = add_verified(alice)
    live = make_live_strategy(user=alice, account=account, next_check_at=NOW - timedelta(days=3))
    simulation = accounts.add_account(alice, "paper", "paper", "S", None, activate=False, wall_now=WALL)
    make_live_strategy(user=alice, account=simulation, next_check_at=NOW - timedelta(days=3))
    assert due_checks(NOW, REAL).overdue == 2
    assert unfinished_work(NOW)
    assert {pk for pk, _ in claim_due_accounts(NOW, WALL)} == {account.pk, simulation.pk}
    for revoked in (account, simulation):
        BrokerAccount.objects.update(claimed_until=None)
        accounts.revoke_account(revoked, by=alice, wall_now=WALL)
    assert due_checks(NOW, REAL).overdue == 0
    assert find_missed_checks(NOW, REAL) == 0
    assert unfinished_work(NOW) == ""
    assert claim_due_accounts(NOW, WALL) == []
    with pytest.raises(ControlRefused):
        control(live, "start", NOW, WALL)
    with pytest.raises(NoBroker):
        broker_for(BrokerAccount.objects.get(pk=account.pk), NOW)


@pytest.mark.parametrize("what", ["position", "order"])
def test_an_account_that_holds_something_is_not_revoked(alice: User, what: str) -> None:
    account = account_of(alice)
    live = make_live_strategy(user=alice)
    if what == "position":
        make_paper_trade(user=alice)
    else:
        make_order(user=alice, state="unknown")
    with pytest.raises(AccountRefused):
        accounts.revoke_account(account, by=alice, wall_now=WALL)
    account.refresh_from_db()
    live.refresh_from_db()
    assert (account.revoked_at, account.active, live.status) == (None, True, "active")


def test_the_database_keeps_no_keys_of_a_revoked_account(alice: User) -> None:
    account = add(alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        BrokerAccount.objects.filter(pk=account.pk).update(revoked_at=WALL)


# --- Replace keys ----------------------------------------------------------------------------------------------


def test_new_keys_replace_the_old_ones_when_their_test_passes(alice: User, broker: KeyedBroker) -> None:
    account = add_verified(alice)
    broker.accounts[OTHER_KEYS.key_id] = broker.accounts[KEYS.key_id]
    accounts.replace_keys(account, OTHER_KEYS, by=alice, wall_now=WALL)
    account.refresh_from_db()
    assert credentials_of(account) == KEYS
    test = run(account)
    assert (credentials_of(account), account.key_hint) == (OTHER_KEYS, "KEY2")
    assert (test.state, test.new_credentials, account.active) == ("passed", "", True)
    assert broker.asked == [KEYS, OTHER_KEYS]


def test_new_keys_that_are_refused_change_nothing(alice: User, broker: KeyedBroker) -> None:
    account = add_verified(alice)
    accounts.replace_keys(account, WRONG_KEYS, by=alice, wall_now=WALL)
    test = run(account)
    assert (test.state, test.new_credentials) == ("failed", "")
    assert (credentials_of(account), account.verified_at, account.key_hint) == (KEYS, WALL, "KEY1")


def test_keys_of_another_account_are_refused(alice: User, broker: KeyedBroker) -> None:
    account = add_verified(alice)
    broker.accounts[OTHER_KEYS.key_id] = report("PA3000009999")
    accounts.replace_keys(account, OTHER_KEYS, by=alice, wall_now=WALL)
    test = run(account)
    assert (test.state, credentials_of(account)) == ("failed", KEYS)
    assert "…9999" in test.problem
    assert "PA300000" not in test.problem


# --- While an operator has stopped trading ---------------------------------------------------------------------


def test_no_other_account_goes_round_an_operators_halt(alice: User, bob: User, broker: KeyedBroker) -> None:
    at_day(TODAY)
    spare = add_verified(alice, mode="live", activate=False)
    halted = account_of(alice, "live")
    request(halted, "entries", by=bob, reason="Fire.", now=NOW, wall_now=WALL)
    with pytest.raises(AccountRefused):
        accounts.revoke_account(halted, by=alice, wall_now=WALL)
    halted.refresh_from_db()
    assert not halted.revoked

    new = add(alice, keys=OTHER_KEYS, mode="live")
    accounts.activate_account(spare, by=alice, wall_now=WALL)
    for account in (new, spare):
        account.refresh_from_db()
        assert (account.entries_stopped_by, account.entries_stopped_reason) == (
            "the operator bob@example.com",
            "Fire.",
        )
        with pytest.raises(OperatorsHalt):
            lift(account, "RESUME", by=alice, now=NOW, wall_now=WALL)
    assert not add(bob, keys=WRONG_KEYS, mode="live").entries_stopped
    on_paper = add(alice, keys=WRONG_KEYS)
    assert not BrokerAccount.objects.get(pk=on_paper.pk).entries_stopped

    bob.is_superuser = True
    bob.save()
    lift(spare, "RESUME", by=bob, now=NOW, wall_now=WALL + timedelta(seconds=1))
    BrokerAccount.objects.filter(pk=spare.pk).update(active=False)
    accounts.activate_account(spare, by=alice, wall_now=WALL)
    assert not BrokerAccount.objects.get(pk=spare.pk).entries_stopped


def test_an_account_that_becomes_active_with_its_test_is_stopped_too(
    alice: User, bob: User, broker: KeyedBroker
) -> None:
    at_day(TODAY)
    spare = add(alice, mode="live", activate=True)
    request(account_of(alice, "live"), "entries", by=bob, now=NOW, wall_now=WALL)
    assert run(spare).problem == ""
    assert (spare.active, spare.entries_stopped) == (True, True)


def test_a_revoked_account_is_ticked_and_halted_no_more(alice: User, broker: KeyedBroker) -> None:
    account = add_verified(alice)
    make_order(user=alice, account=account, state="filled")
    request(account, "orders", by=alice, now=NOW, wall_now=WALL)
    accounts.revoke_account(account, by=alice, wall_now=WALL)
    assert Halt.objects.get().finished_at == WALL
    assert tick(account.pk, NOW, WALL).orders == []
    account.refresh_from_db()
    assert (account.failures, account.state) == (0, "connected")


def test_a_halt_of_an_account_that_was_never_verified_is_finished_at_once(
    alice: User, broker: KeyedBroker
) -> None:
    halt = request(add(alice), "flatten", by=alice, now=NOW, wall_now=WALL)
    assert halt.finished_at == WALL


# --- Limits ----------------------------------------------------------------------------------------------------


def test_tests_and_new_accounts_are_limited(
    alice: User, bob: User, broker: KeyedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each asks the broker from the one address of the desk, which it may lock out for all users."""
    monkeypatch.setattr(accounts, "MOST_TESTS", 2)
    monkeypatch.setattr(accounts, "MOST_ADDED", 2)
    account = add_verified(alice)
    accounts.request_test(account, by=alice, wall_now=WALL)
    run(account)
    for refused in (lambda: accounts.request_test(account, by=alice, wall_now=WALL), lambda: add(alice)):
        with pytest.raises(AccountRefused):
            refused()
    later = WALL + accounts.TESTS_WITHIN
    assert accounts.request_test(account, by=alice, wall_now=later).state == "queued"
    accounts.add_account(alice, "paper", "paper", "One", None, activate=False, wall_now=later)
    with pytest.raises(AccountRefused):
        accounts.add_account(alice, "paper", "paper", "Two", None, activate=False, wall_now=later)
    accounts.add_account(bob, "paper", "paper", "One", None, activate=False, wall_now=later)
    later = WALL + accounts.ADDED_WITHIN
    accounts.add_account(alice, "paper", "paper", "Two", None, activate=False, wall_now=later)


def test_revoked_accounts_are_not_without_end(
    alice: User, broker: KeyedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "MOST_EVER", 1)
    accounts.revoke_account(add(alice), by=alice, wall_now=WALL)
    with pytest.raises(AccountRefused):
        add(alice)
    monkeypatch.setattr("livetrading.summaries.broker_accounts.REVOKED", 0)
    assert list(revoked_accounts(alice)) == []
