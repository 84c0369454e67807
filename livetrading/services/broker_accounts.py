"""A user's broker accounts: adding, renaming, activating and revoking them; connection_tests.py tests them.

An account of a broker can be the active one only once its test has passed; the simulation needs none.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from livetrading.credentials import Credentials, store_credentials
from livetrading.models import BrokerAccount, ConnectionTest, LiveStrategy
from livetrading.models.halt import UNFINISHED
from livetrading.models.live_strategy import CHECKED
from livetrading.models.order import WORKING
from livetrading.services.account_rules import create_default_rules
from livetrading.services.accounts import open_simulation, switch_to
from livetrading.services.connection_tests import queue_test
from livetrading.services.halt import open_lots, operators_halt, pass_on
from livetrading.services.wording import counted
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import Mode, User
from tradedesk.audit.models import AuditRecord
from tradedesk.audit.services import Entry, record, record_all
from tradedesk.core.names import name_problem

Status = LiveStrategy.Status
# Accounts of a user that are not revoked.
MOST = 10
# With the revoked ones, whose rows stay for ever.
MOST_EVER = 200
# Each test, and each account that is added, asks the broker from the one address of the desk.
MOST_TESTS, TESTS_WITHIN = 20, timedelta(minutes=10)
MOST_ADDED, ADDED_WITHIN = 30, timedelta(days=1)
LONGEST_NAME, LONGEST_KEY, LONGEST_SECRET = 60, 128, 256
# A log is scrubbed of them, so none may be a word, such as the name of a function: it has letters and digits.
SHORTEST_KEY = 16
_KEY = re.compile(r"[A-Za-z0-9+/=_-]+")
NO_KEYS = "The simulation of the desk needs no keys."
REVOKED = "This account is revoked. Add it again with new keys."


class AccountRefused(Exception):
    """Nothing was changed; the message can be shown to a person. field: the one at fault, "" when the request does
    not fit the account as it is now."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def add_account(
    user: User,
    broker: str,
    mode: str,
    name: str,
    credentials: Credentials | None,
    *,
    activate: bool,
    wall_now: datetime,
) -> BrokerAccount:
    """Add an account with the rules of a new one, and test it; a simulation works at once. activate: make it the
    active one of its mode, once its test has passed. Raises AccountRefused."""
    simulated = broker == BrokerAccount.Broker.PAPER
    if broker not in BrokerAccount.Broker:
        raise AccountRefused("Choose one of the brokers.", "broker")
    if mode not in Mode or (simulated and mode != Mode.PAPER):
        raise AccountRefused("The simulation is a paper account." if simulated else "Choose a mode.", "mode")
    account = BrokerAccount(user=user, broker=broker, mode=mode, name=_checked(name), active=False)
    if problem := account.market_problem:
        raise AccountRefused(problem)
    if simulated and credentials is not None:
        raise AccountRefused(NO_KEYS, "key_id")
    if not simulated:
        credentials = checked_keys(credentials)
    with transaction.atomic():
        # The lock lets one request at a time count and add.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if user.broker_accounts.filter(revoked_at=None).count() >= MOST:
            raise AccountRefused(f"You have {MOST} accounts, which is the maximum. Revoke one first.")
        if user.broker_accounts.filter(archived_at=None).count() >= MOST_EVER:
            raise AccountRefused(f"You have had {MOST_EVER} accounts, which is the maximum.")
        if _recorded(user.pk, "account_added", wall_now - ADDED_WITHIN) >= MOST_ADDED:
            raise AccountRefused(f"You have added {MOST_ADDED} accounts since yesterday. Try again tomorrow.")
        if not simulated:
            _check_tests(user.pk, wall_now)
        if simulated:
            open_simulation(account)
        else:
            account.save()
        create_default_rules(account)
        details: dict[str, Any] = {"broker": broker, "mode": mode, "name": account.name}
        if credentials is not None:
            store_credentials(account, credentials)
            queue_test(account, activates=activate, wall_now=wall_now)
            details["key"] = account.key_hint
        elif activate or not _accounts(user).filter(mode=mode, active=True).exists():
            switch_to(account)
            details["active"] = True
        record(user, "account_added", account, details, wall_now)
        pass_on(account, wall_now)
    bump_version(user.pk)
    return account


def rename_account(account: BrokerAccount, name: str, *, by: User, wall_now: datetime) -> None:
    """Raises AccountRefused."""
    name, before = _checked(name), account.name
    with transaction.atomic():
        if BrokerAccount.objects.filter(pk=account.pk).exclude(name=name).update(name=name):
            record(by, "account_renamed", account, {"before": before, "after": name}, wall_now)
    bump_version(account.user_id)


def replace_keys(
    account: BrokerAccount, credentials: Credentials, *, by: User, wall_now: datetime
) -> ConnectionTest:
    """Test new keys, which replace those of the account when they pass. Raises AccountRefused."""
    if account.is_simulation:
        raise AccountRefused(NO_KEYS)
    return request_test(account, by=by, wall_now=wall_now, credentials=checked_keys(credentials))


def request_test(
    account: BrokerAccount,
    *,
    by: User,
    wall_now: datetime,
    credentials: Credentials | None = None,
    activate: bool = False,
) -> ConnectionTest:
    """Test the account, or new keys of it, in a worker; while a test is under way, that one is returned. Raises
    AccountRefused."""
    if account.is_simulation:
        raise AccountRefused("The simulation of the desk needs no test.")
    if problem := account.market_problem:
        raise AccountRefused(problem)
    with transaction.atomic():
        locked = BrokerAccount.locked(account.pk)
        if locked.revoked:
            raise AccountRefused(REVOKED)
        running = ConnectionTest.objects.filter(account=locked).first()
        if running is not None and running.is_under_way(wall_now):
            if credentials is not None:
                raise AccountRefused("A test of this account is running. Try again when it has ended.")
            if activate and not running.activates:
                ConnectionTest.objects.filter(pk=running.pk).update(activates=True)
            return running
        _check_tests(account.user_id, wall_now)
        test = queue_test(locked, activates=activate, wall_now=wall_now, credentials=credentials)
        if credentials is not None:
            record(by, "account_keys_entered", locked, {"key": credentials.hint}, wall_now)
    bump_version(account.user_id)
    return test


def activate_account(account: BrokerAccount, *, by: User, wall_now: datetime) -> None:
    """Make it the active one of its mode: new deployments use it and the pages show it. What runs in another
    account goes on there. Raises AccountRefused."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=account.user_id)
        before = _accounts(account.user).filter(mode=account.mode, active=True).first()
        if before is not None and before.pk == account.pk:
            return
        if not switch_to(account):
            account.refresh_from_db()
            unverified = "Test the account first: it is not verified."
            raise AccountRefused(REVOKED if account.revoked else account.market_problem or unverified)
        details = {"before": before and before.name, "after": account.name}
        record(by, "account_activated", account, details, wall_now)
        pass_on(account, wall_now)
    bump_version(account.user_id)


def revoke_account(account: BrokerAccount, *, by: User, wall_now: datetime) -> int:
    """Delete the keys for good. The live strategies of the account are paused, because the desk can trade for them
    no more; returns their number. Raises AccountRefused while something is held or at work: without keys the desk
    could neither sell nor protect it; and while an operator has stopped it."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=account.user_id)
        # With the row lock, a check has either written its orders before, or finds the account revoked.
        locked = BrokerAccount.locked(account.pk)
        if locked.revoked:
            return 0
        if problem := held_problem(locked):
            raise AccountRefused(problem)
        was_active = locked.active
        changes = {"credentials": "", "active": False, "verified_at": None, "failures": 0, "state_reason": ""}
        BrokerAccount.objects.filter(pk=locked.pk).update(
            **changes, revoked_at=wall_now, state=BrokerAccount.State.CONNECTED
        )
        ConnectionTest.objects.filter(account=locked).delete()
        # Nothing is held or at work, and no tick will say so of a halt any more.
        locked.halts.filter(UNFINISHED).update(finished_at=wall_now)
        checked = locked.live_strategies.filter(status__in=CHECKED)
        paused = list(checked.filter(status=Status.ACTIVE).order_by("pk"))
        checked.update(
            status=Status.PAUSED,
            last_error=f"The account “{locked.name}” is revoked.",
            failures=0,
            kind_failures=0,
            missed_checks_at=None,
        )
        details = {"name": locked.name, "key": locked.key_hint, "paused": [live.pk for live in paused]}
        told = [Entry(by, "account_revoked", locked, details)]
        told += [
            Entry(by, "pause", live, {"before": live.status, "after": Status.PAUSED, "reason": "account revoked"})
            for live in paused
        ]
        if was_active and locked.mode == Mode.PAPER and (other := _fall_back_to_simulation(locked.user)):
            told.append(Entry(by, "account_activated", other, {"before": locked.name, "after": other.name}))
        record_all(told, wall_now)
    bump_version(account.user_id)
    return len(paused)


def held_problem(account: BrokerAccount) -> str:
    """Why the account cannot be revoked now: something is held or at work, or an operator has stopped it, and a
    new one would trade. "" when it can be."""
    if (halt := operators_halt(account)) is not None:
        return (
            f"Trading of “{account.name}” was stopped by {halt.requested_by}: only an operator can end this, so "
            "it cannot be revoked now. To end the use of a key now, replace the keys."
        )
    orders = account.orders.filter(state__in=WORKING).count()
    counts = ((open_lots(account), "open position"), (orders, "working order"))
    found = [counted(number, noun) for number, noun in counts if number]
    if not found:
        return ""
    return (
        f"“{account.name}” has {' and '.join(found)}. Without its keys the desk could not sell or protect them. "
        "Close the positions and cancel the orders first. To end the use of a key now, replace the keys."
    )


def is_live_configured(user: User) -> bool:
    """Whether real money can be traded: the active live account has passed its test and is not revoked."""
    live = _accounts(user).filter(mode=Mode.LIVE, active=True)
    return live.exclude(verified_at=None).exists()


def checked_keys(credentials: Credentials | None) -> Credentials:
    """The keys without spaces around them. They go into the headers of requests, whose errors name what a header
    cannot have. Raises AccountRefused at the field."""
    return Credentials(
        key_id=_key(credentials.key_id if credentials else "", "key_id", "key id", LONGEST_KEY),
        secret=_key(credentials.secret if credentials else "", "secret", "secret key", LONGEST_SECRET),
    )


def _check_tests(user_id: int, wall_now: datetime) -> None:
    """Raises AccountRefused after too many tests."""
    if _recorded(user_id, "account_tested", wall_now - TESTS_WITHIN) >= MOST_TESTS:
        raise AccountRefused(f"You have tested {MOST_TESTS} times in ten minutes. Try again in ten minutes.")


def _recorded(user_id: int, action: str, since: datetime) -> int:
    return AuditRecord.objects.filter(user=user_id, action=action, time__gt=since).count()


def _key(text: str, field: str, noun: str, longest: int) -> str:
    text = text.strip()
    if not text:
        raise AccountRefused(f"Enter the {noun}.", field)
    if len(text) > longest:
        raise AccountRefused(f"A {noun} has at most {longest} characters.", field)
    if not _KEY.fullmatch(text):
        raise AccountRefused(f"A {noun} has only letters, digits and + / = _ -. Copy it again.", field)
    if len(text) < SHORTEST_KEY:
        raise AccountRefused(f"A {noun} has at least {SHORTEST_KEY} characters. Copy the whole of it.", field)
    if text.isdigit() or not any(each.isdigit() for each in text):
        raise AccountRefused(f"A {noun} has both letters and digits. Copy it again.", field)
    return text


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise AccountRefused("Give the account a name.", "name")
    if len(name) > LONGEST_NAME:
        raise AccountRefused(f"A name has at most {LONGEST_NAME} characters.", "name")
    if problem := name_problem(name):
        raise AccountRefused(problem, "name")
    return name


def _fall_back_to_simulation(user: User) -> BrokerAccount | None:
    simulation = _accounts(user).filter(broker=BrokerAccount.Broker.PAPER).order_by("pk").first()
    return simulation if simulation is not None and switch_to(simulation) else None


def _accounts(user: User) -> "QuerySet[BrokerAccount]":
    return BrokerAccount.objects.filter(user=user, revoked_at=None)
