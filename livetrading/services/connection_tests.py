"""The test of an account's connection: queued by a page or the API, run by a worker, outside any transaction.

Its result is stored: what the broker says of the account, or in words why the account cannot be used.
"""

import logging
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from livetrading.brokers.protocol import AccountReport, BrokerPosition, KeysRefused, OutcomeUnknown
from livetrading.credentials import Credentials, sealed
from livetrading.models import BrokerAccount, ConnectionTest
from livetrading.models.account import LONGEST_TEST
from livetrading.models.position import position_model
from livetrading.services.accounts import NoBroker, broker_for, switch_to
from livetrading.services.halt import pass_on
from livetrading.services.queue import enqueue_connection_test, enqueue_tick_now
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import record
from tradedesk.core.money import DUST
from tradedesk.encryption import NotDecrypted
from tradedesk.monitoring.scrubbing import without_learned

log = logging.getLogger(__name__)
State = ConnectionTest.State
# A test that nobody has begun after this wall time is enqueued again.
LOST_AFTER = timedelta(seconds=5)
# So many run at a time in one process: they wait for brokers, and alarms have the other threads of this queue.
SLOTS = threading.BoundedSemaphore(2)
# Positions held outside the desk that a page names.
NAMED = 10
# Characters of an account number that a page shows.
SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """problem: why the account cannot be used, "" when it can. refused: the broker does not accept the keys, or
    they are those of another account; else a failed test says nothing about them. number: of the account."""

    problem: str = ""
    refused: bool = False
    number: str = ""
    report: Mapping[str, Any] = field(default_factory=dict)


def queue_test(
    account: BrokerAccount, *, activates: bool, wall_now: datetime, credentials: Credentials | None = None
) -> ConnectionTest:
    """Replace the account's last test by a new one, of its own keys or of new ones. Called in a transaction."""
    values = {
        "run": uuid.uuid4(),
        "state": State.QUEUED,
        "activates": activates,
        "requested_at": wall_now,
        "finished_at": None,
        "problem": "",
        "report": {},
        "new_credentials": sealed(account, credentials) if credentials else "",
        "new_key_hint": credentials.hint if credentials else "",
    }
    test, _ = ConnectionTest.objects.update_or_create(account=account, defaults=values)
    transaction.on_commit(lambda: enqueue_connection_test(test.pk, test.run), robust=True)
    return test


def enqueue_waiting(wall_now: datetime) -> None:
    """Enqueue the tests again whose message was lost."""
    lost = _waiting(wall_now).filter(requested_at__lte=wall_now - LOST_AFTER)
    for test_id, run in lost.values_list("pk", "run"):
        enqueue_connection_test(test_id, run)


def enqueue_next(wall_now: datetime) -> None:
    """Enqueue the test that waits longest, because there is a free slot."""
    for test_id, run in _waiting(wall_now).order_by("requested_at", "pk").values_list("pk", "run")[:1]:
        enqueue_connection_test(test_id, run)


def _waiting(wall_now: datetime) -> "QuerySet[ConnectionTest]":
    return ConnectionTest.objects.filter(state=State.QUEUED, requested_at__gt=wall_now - LONGEST_TEST)


def run_test(test_id: int, run: uuid.UUID, now: datetime) -> Outcome | None:
    """Ask the broker, without storing anything but that the test has begun. None: another test has replaced this
    one, or another worker runs it."""
    claimed = ConnectionTest.objects.filter(pk=test_id, run=run, state=State.QUEUED)
    if not claimed.update(state=State.RUNNING):
        return None
    test = ConnectionTest.objects.select_related("account").get(pk=test_id)
    account = test.account
    if test.new_credentials:
        account.credentials = test.new_credentials  # of this object alone: the adapter reads the keys from it
    bump_version(account.user_id)
    try:
        broker = broker_for(account, now)
        report, positions = broker.account(), broker.positions()
    except (NoBroker, NotDecrypted) as error:
        return Outcome(problem=str(error))
    except KeysRefused:
        return Outcome(problem=_refused(account), refused=True)
    except OutcomeUnknown as error:
        return Outcome(problem=f"The account could not be read: {without_learned(str(error))}")
    except Exception as error:
        # Without its traceback, in whose messages a library may quote what was sent.
        text = without_learned(f"{type(error).__name__}: {error}")
        log.error("The connection of account %s could not be tested: %s", account.pk, text)
        return Outcome(problem=f"The answer of {account.get_broker_display()} could not be read ({text})")
    rows = position_model(account)._default_manager.filter(account=account)
    return judge(account, report, positions, dict(rows.values_list("symbol", "quantity")))


def judge(
    account: BrokerAccount,
    report: AccountReport,
    positions: list[BrokerPosition],
    own: Mapping[str, Decimal],
) -> Outcome:
    """Pure. own: the shares by the desk's records."""
    if not report.number and not account.is_simulation:
        name = account.get_broker_display() or "The broker"
        return Outcome(problem=f"{name} did not say the number of the account, so it cannot be told from others.")
    if account.number and account.number != report.number:
        return Outcome(
            problem=f"These keys belong to the account …{report.number[-SHOWN:]}, and the desk knows this one as "
            f"…{account.number[-SHOWN:]}. Add the other account as a new one.",
            refused=True,
        )
    held = {position.symbol: position.quantity for position in positions}
    others = {symbol: held[symbol] - own.get(symbol, Decimal(0)) for symbol in sorted(held)}
    outside = [
        {"symbol": symbol, "quantity": f"{quantity.normalize():f}"}
        for symbol, quantity in others.items()
        if abs(quantity) >= DUST
    ]
    return Outcome(
        number=report.number,
        report={
            "number": report.number[-SHOWN:],
            "status": report.status,
            "equity": str(report.equity),
            "cash": str(report.cash),
            "buying_power": str(report.buying_power),
            "blocked": report.blocked,
            "shorting": report.shorting,
            "outside": outside[:NAMED],
            "outside_count": len(outside),
        },
    )


def finish_test(test_id: int, run: uuid.UUID, outcome: Outcome, wall_now: datetime) -> bool:
    """Store the result; with a passed test the account is verified, gets the new keys, and becomes the active one
    if that was asked for. Returns False when another test, or a revocation, came first."""
    try:
        with transaction.atomic():
            return _finish(test_id, run, outcome, wall_now)
    except IntegrityError:
        text = (
            f"The account …{outcome.number[-SHOWN:]} is connected to this desk already. Two accounts of the desk "
            "with one account at the broker would both have wrong books."
        )
        with transaction.atomic():
            return _finish(test_id, run, Outcome(problem=text, refused=True), wall_now)


def _finish(test_id: int, run: uuid.UUID, outcome: Outcome, wall_now: datetime) -> bool:
    running = ConnectionTest.objects.filter(pk=test_id, run=run, state=State.RUNNING)
    owner = running.values_list("account__user_id", "account_id").first()
    if owner is None:
        return False
    # The locks of an activation and of a revocation, in their order. A tick that has locked the account's row adds
    # rows of the user, which this kind of lock lets it do.
    user = User.objects.select_for_update(no_key=True).get(pk=owner[0])
    account = BrokerAccount.locked(owner[1])
    test = running.first()
    if test is None:
        return False  # another test, or a revocation, came first
    running.update(
        state=State.FAILED if outcome.problem else State.PASSED,
        finished_at=wall_now,
        problem=outcome.problem[:300],
        report=dict(outcome.report),
        new_credentials="",
        new_key_hint="",
    )
    details: dict[str, Any] = {"passed": not outcome.problem, "key": test.new_key_hint or account.key_hint}
    changes: dict[str, Any] = {}
    if not outcome.problem:
        changes = {"verified_at": wall_now, "number": outcome.number or account.number}
        if test.new_credentials:
            changes |= {"credentials": test.new_credentials, "key_hint": test.new_key_hint}
            details["replaced"] = account.key_hint
    elif outcome.refused and not test.new_credentials:
        changes = {"verified_at": None}
    if changes:
        BrokerAccount.objects.filter(pk=account.pk, revoked_at=None).update(**changes)
    if not outcome.problem and test.activates and switch_to(account):
        details["active"] = True
    record(user, "account_tested", account, details, wall_now)
    if "active" in details:
        pass_on(account, wall_now)
    if not outcome.problem:
        # Its figures come with the next tick.
        transaction.on_commit(lambda: enqueue_tick_now(account.pk), robust=True)
    transaction.on_commit(lambda: bump_version(user.pk), robust=True)
    return True


def _refused(account: BrokerAccount) -> str:
    return (
        f"{account.get_broker_display()} refused the keys. Check that both were copied whole, and that they are "
        f"those of a {account.get_mode_display().lower()} account: each has its own."
    )
