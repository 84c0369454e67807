"""The test of an account's connection: what it stores, and what may happen meanwhile."""

import logging
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from livetrading import tasks
from livetrading.brokers.protocol import BrokerPosition, OutcomeUnknown
from livetrading.credentials import credentials_of
from livetrading.models import BrokerAccount, ConnectionTest
from livetrading.models.account import LONGEST_TEST
from livetrading.services.broker_accounts import AccountRefused, replace_keys, request_test, revoke_account
from livetrading.services.connection_tests import (
    LOST_AFTER,
    NAMED,
    SLOTS,
    enqueue_waiting,
    finish_test,
    judge,
    run_test,
)
from livetrading.services.deploy import DeployRefused, check_room
from tests.livetrading.factories import NOW, WALL, make_paper_trade
from tests.livetrading.keyed_broker import (
    KEYS,
    OTHER_KEYS,
    KeyedBroker,
    add,
    add_verified,
    report,
    run,
    use,
)
from tests.livetrading.published import published
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord


@pytest.fixture
def broker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> KeyedBroker:
    return use(settings, monkeypatch)


def holding(**shares: object) -> list[BrokerPosition]:
    return [BrokerPosition(symbol=symbol, quantity=Decimal(str(number))) for symbol, number in shares.items()]


# --- What the broker says --------------------------------------------------------------------------------------


def test_the_report_has_what_a_page_shows_and_only_the_end_of_the_number() -> None:
    found = judge(BrokerAccount(), report(blocked="Trading is suspended."), [], {})
    assert (found.problem, found.number) == ("", "PA3000001234")
    assert found.report == {
        "number": "1234",
        "status": "ACTIVE",
        "equity": "40000",
        "cash": "25000.5",
        "buying_power": "50000",
        "blocked": "Trading is suspended.",
        "shorting": True,
        "outside": [],
        "outside_count": 0,
    }


def test_what_the_desk_did_not_buy_is_held_outside() -> None:
    own = {"AAPL": Decimal(10), "IBM": Decimal(5), "SPY": Decimal(1)}
    found = judge(BrokerAccount(), report(), holding(AAPL=10, IBM=8, MSFT="-2.5"), own).report
    assert found["outside"] == [{"symbol": "IBM", "quantity": "3"}, {"symbol": "MSFT", "quantity": "-2.5"}]
    many = judge(BrokerAccount(), report(), holding(**{f"S{number}": 1 for number in range(50)}), {}).report
    assert (len(many["outside"]), many["outside_count"]) == (NAMED, 50)


def test_another_number_is_another_account() -> None:
    assert not judge(BrokerAccount(number="PA3000001234"), report(), [], {}).problem
    assert judge(BrokerAccount(number="PA3000009999"), report(), [], {}).refused
    # Without a number, nobody knows whose account it is.
    for number in ("PA3000009999", ""):
        found = judge(BrokerAccount(number=number), report(""), [], {})
        assert (found.problem == "", found.refused) == (False, False)
    assert not judge(BrokerAccount(broker="paper"), report(""), [], {}).problem


# --- The course of a test --------------------------------------------------------------------------------------


def test_a_passed_test_verifies_the_account(alice: User, broker: KeyedBroker) -> None:
    account = add(alice)
    test = run(account)
    assert (test.state, test.finished_at, test.report["equity"]) == ("passed", WALL, "40000")
    assert (account.verified_at, account.number, account.active) == (WALL, "PA3000001234", False)
    assert AuditRecord.objects.get(action="account_tested").details == {"passed": True, "key": "KEY1"}


def test_the_own_lots_are_not_held_outside(alice: User, broker: KeyedBroker) -> None:
    account = add_verified(alice)
    make_paper_trade(user=alice)
    broker.held = {"AAPL": Decimal(10), "IBM": Decimal(1)}
    request_test(account, by=alice, wall_now=WALL)
    assert [held["symbol"] for held in run(account).report["outside"]] == ["IBM"]


@pytest.mark.django_db(transaction=True)
def test_the_broker_is_asked_outside_any_transaction(alice: User, broker: KeyedBroker) -> None:
    assert run(add(alice)).state == "passed"
    assert broker.in_transaction == [False]


def test_it_becomes_the_active_account_if_that_was_asked_for(alice: User, broker: KeyedBroker) -> None:
    account = add(alice, activate=True)
    run(account)
    assert account.active


def test_refused_keys_are_not_verified_any_more(alice: User, broker: KeyedBroker) -> None:
    account = add_verified(alice)
    broker.accounts.clear()
    request_test(account, by=alice, wall_now=WALL)
    test = run(account)
    assert (test.state, account.verified_at, account.active) == ("failed", None, True)
    # It stays the active one, for its positions, and gets no new deployment.
    with pytest.raises(DeployRefused, match="test"):
        check_room(account)


@pytest.mark.parametrize("failure", [OutcomeUnknown("timed out"), RuntimeError("a bug"), KeyError("cash")])
def test_no_answer_says_nothing_about_the_keys(alice: User, broker: KeyedBroker, failure: Exception) -> None:
    account = add_verified(alice)
    broker.failure = failure
    request_test(account, by=alice, wall_now=WALL)
    test = run(account)
    assert (test.state, account.verified_at) == ("failed", WALL)
    assert test.problem


def test_a_broker_that_the_desk_does_not_know_and_keys_that_do_not_decrypt(
    alice: User, settings: Settings
) -> None:
    settings.BROKERS = {}
    account = add(alice)
    assert run(account).state == "failed"
    settings.BROKERS = {"alpaca": "tests.livetrading.keyed_broker.connect"}
    BrokerAccount.objects.update(credentials="v1:aa:bb")
    request_test(account, by=alice, wall_now=WALL)
    test = run(account)
    assert test.state == "failed"
    assert "ENCRYPTION_KEY" in test.problem


def test_an_account_is_connected_once(alice: User, bob: User, broker: KeyedBroker) -> None:
    add_verified(alice)
    broker.accounts[OTHER_KEYS.key_id] = report()
    second = add(bob, keys=OTHER_KEYS, activate=True)
    test = run(second)
    assert (test.state, second.verified_at, second.active, second.number) == ("failed", None, False, "")
    # Paper and live accounts have numbers of their own, and a revoked one may be added again.
    assert run(add(bob, mode="live")).state == "passed"
    first = alice.broker_accounts.get()
    revoke_account(first, by=alice, wall_now=WALL)
    assert run(add(alice)).state == "passed"


# --- Meanwhile -------------------------------------------------------------------------------------------------


def test_a_test_under_way_is_not_queued_again(alice: User, broker: KeyedBroker) -> None:
    account = add(alice)
    first = ConnectionTest.objects.get()
    again = request_test(account, by=alice, wall_now=WALL + timedelta(seconds=1), activate=True)
    assert (again.run, ConnectionTest.objects.get().activates) == (first.run, True)
    with pytest.raises(AccountRefused):
        replace_keys(account, OTHER_KEYS, by=alice, wall_now=WALL)
    for later in (LONGEST_TEST, -LONGEST_TEST):  # the clock may go back
        assert not first.is_under_way(WALL + later)
    assert request_test(account, by=alice, wall_now=WALL + LONGEST_TEST).run != first.run


def test_two_workers_run_it_once_and_a_replaced_one_writes_nothing(alice: User, broker: KeyedBroker) -> None:
    account = add(alice)
    test = ConnectionTest.objects.get()
    outcome = run_test(test.pk, test.run, NOW)
    assert outcome is not None
    assert run_test(test.pk, test.run, NOW) is None
    newer = request_test(account, by=alice, wall_now=WALL + LONGEST_TEST)
    assert not finish_test(test.pk, test.run, outcome, WALL)
    account.refresh_from_db()
    assert account.verified_at is None
    assert run_test(test.pk, uuid.uuid4(), NOW) is None
    assert ConnectionTest.objects.get().run == newer.run


def test_an_account_that_is_revoked_meanwhile_gets_no_keys(alice: User, broker: KeyedBroker) -> None:
    account = add_verified(alice)
    broker.accounts[OTHER_KEYS.key_id] = report()
    test = replace_keys(account, OTHER_KEYS, by=alice, wall_now=WALL)
    outcome = run_test(test.pk, test.run, NOW)
    revoke_account(account, by=alice, wall_now=WALL)
    assert outcome is not None
    assert not finish_test(test.pk, test.run, outcome, WALL)
    account.refresh_from_db()
    assert (account.credentials, account.verified_at, account.active) == ("", None, False)
    with pytest.raises(AccountRefused):
        request_test(account, by=alice, wall_now=WALL)


def test_the_old_keys_stay_when_the_new_ones_fail_without_an_answer(alice: User, broker: KeyedBroker) -> None:
    account = add_verified(alice)
    broker.failure = OutcomeUnknown("timed out")
    replace_keys(account, OTHER_KEYS, by=alice, wall_now=WALL)
    assert run(account).new_credentials == ""
    assert (credentials_of(account), account.verified_at) == (KEYS, WALL)


def test_a_worker_runs_it_and_the_figures_come_with_a_tick(
    alice: User, broker: KeyedBroker, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with published() as queue:
        with django_capture_on_commit_callbacks(execute=True):
            account = add(alice)
        ((name, arguments),) = queue
        queue.clear()
        with django_capture_on_commit_callbacks(execute=True):
            getattr(tasks, name)(*arguments)
        assert queue == [("tick_now", [account.pk])]
    assert ConnectionTest.objects.get().state == "passed"


def test_a_test_whose_message_was_lost_is_enqueued_again(alice: User) -> None:
    add(alice)
    test = ConnectionTest.objects.get()
    with published() as queue:
        enqueue_waiting(WALL + LOST_AFTER - timedelta(seconds=1))
        enqueue_waiting(WALL + LONGEST_TEST)
        assert queue == []
        enqueue_waiting(WALL + LOST_AFTER)
    assert queue == [("test_connection", [test.pk, str(test.run)])]


def test_a_test_without_a_slot_stays_queued_and_is_next(alice: User, bob: User, broker: KeyedBroker) -> None:
    first, second = add(alice), add(bob, keys=OTHER_KEYS)
    tests = [ConnectionTest.objects.get(account=account) for account in (first, second)]
    ConnectionTest.objects.update(requested_at=timezone.now())
    for _ in range(2):
        assert SLOTS.acquire(blocking=False)
    with published() as queue:
        tasks.test_connection(tests[0].pk, str(tests[0].run))
        assert (broker.asked, queue) == ([], [])
        for _ in range(2):
            SLOTS.release()
        tasks.test_connection(tests[0].pk, str(tests[0].run))
    assert [keys.key_id for keys in broker.asked] == [KEYS.key_id]
    assert ("test_connection", [tests[1].pk, str(tests[1].run)]) in queue
    assert SLOTS.acquire(blocking=False)
    SLOTS.release()


def test_a_failing_call_writes_no_secret_anywhere(
    alice: User, broker: KeyedBroker, caplog: pytest.LogCaptureFixture
) -> None:
    """A library may quote what it sent."""
    caplog.set_level(logging.DEBUG)
    account = add(alice)
    broker.failure = RuntimeError(f"Invalid header value: {KEYS.secret} of {KEYS.key_id}")
    test = run(account)
    assert test.state == "failed"
    written = f"{test.problem} {caplog.text}"
    assert not [secret for secret in (KEYS.secret, KEYS.key_id) if secret in written]
    assert all(record.exc_info is None for record in caplog.records if record.name.startswith("livetrading"))


def test_an_outcome_that_is_too_long_is_cut(alice: User, broker: KeyedBroker) -> None:
    account = add(alice)
    broker.failure = OutcomeUnknown("x" * 5000)
    assert len(run(account).problem) == 300
