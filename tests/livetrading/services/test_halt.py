"""Requesting, following and lifting halts."""

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from livetrading.models import BrokerAccount, Halt
from livetrading.services import halt as halts
from livetrading.services.halt import COMMAND, NotLifted, OperatorsHalt, advance, lift, request
from tests.livetrading.factories import NOW, WALL, account_of, make_order, make_paper_trade
from tests.livetrading.published import published, refuse_publishing
from tradedesk.accounts.models import Mode, User
from tradedesk.audit.models import AuditRecord


@pytest.fixture
def account(alice: User) -> BrokerAccount:
    make_order(user=alice, state="accepted")
    make_paper_trade(user=alice)
    make_paper_trade(user=alice, symbol="IBM")
    return account_of(alice)


def asked(account: BrokerAccount, action: str, **fields: Any) -> Halt:
    values: dict[str, Any] = {"by": account.user, "now": NOW, "wall_now": WALL, **fields}
    return request(account, action, **values)


@pytest.mark.parametrize(
    ("action", "counts", "finished"),
    [("entries", (0, 0), True), ("orders", (1, 0), False), ("flatten", (1, 2), False)],
)
def test_a_request_stops_the_entries_and_counts_what_there_is_to_do(
    account: BrokerAccount, action: str, counts: tuple[int, int], finished: bool
) -> None:
    halt = asked(account, action, reason="A bad day.")
    account.refresh_from_db()
    assert (account.entries_stopped_at, account.entries_stopped_by) == (NOW, "alice@example.com")
    assert account.entries_stopped_reason == "A bad day."
    assert (halt.orders_to_cancel, halt.lots_to_sell, halt.finished_at is not None) == (*counts, finished)
    assert (halt.requested_at, halt.requested_wall) == (NOW, WALL)


def test_a_repeated_request_returns_the_running_halt(account: BrokerAccount) -> None:
    first = asked(account, "flatten")
    for action in ("flatten", "orders", "entries"):
        assert asked(account, action).pk == first.pk
    assert account.user.notifications.count() == 1


def test_a_stronger_request_is_a_halt_of_its_own(account: BrokerAccount) -> None:
    rows = [asked(account, action, reason=action).pk for action in Halt.Action]
    assert len(set(rows)) == 3
    account.refresh_from_db()
    assert account.entries_stopped_reason == "entries"  # since when and why it is halted


def test_a_finished_halt_can_be_asked_for_again_until_it_is_lifted(account: BrokerAccount) -> None:
    first = asked(account, "flatten")
    advance(first, 0, 0, "", NOW, WALL)
    assert asked(account, "entries").pk == first.pk
    assert asked(account, "flatten").pk != first.pk


@pytest.mark.parametrize("word", ["", "resume", "RESUME!", "yes"])
def test_it_is_lifted_by_the_typed_word_alone(account: BrokerAccount, word: str) -> None:
    halt = asked(account, "orders")
    with pytest.raises(NotLifted):
        lift(account, word, by=account.user, now=NOW, wall_now=WALL)
    account.refresh_from_db()
    assert (account.entries_stopped, halt.lifted_at) == (True, None)
    assert lift(account, " RESUME ", by=account.user, now=NOW, wall_now=WALL)
    account.refresh_from_db()
    halt.refresh_from_db()
    assert (account.entries_stopped, account.entries_stopped_by, halt.lifted_at) == (False, "", WALL)
    assert not lift(account, "RESUME", by=account.user, now=NOW, wall_now=WALL)
    assert [record.action for record in AuditRecord.objects.order_by("sequence")] == ["halt_orders", "halt_lifted"]


def test_progress_only_grows_and_the_last_step_finishes(account: BrokerAccount) -> None:
    halt = asked(account, "flatten")
    steps = [(1, 2), (0, 2), (0, 3), (0, 1), (0, 0)]  # the cancelled entry was filled meanwhile
    seen = []
    for number, (orders, lots) in enumerate(steps):
        advance(halt, orders, lots, f"step {number}", NOW, WALL + timedelta(seconds=number))
        seen.append((halt.orders_cancelled, halt.orders_to_cancel, halt.lots_sold, halt.lots_to_sell))
    assert seen == [(0, 1, 0, 2), (1, 1, 0, 2), (1, 1, 0, 3), (1, 1, 2, 3), (1, 1, 3, 3)]
    halt.refresh_from_db()
    assert (halt.started_at, halt.seconds, halt.error) == (WALL, 4, "")
    advance(halt, 0, 0, "", NOW, WALL + timedelta(days=1))
    halt.refresh_from_db()
    assert halt.seconds == 4


def test_the_user_is_notified_when_it_begins_ends_and_is_lifted(account: BrokerAccount) -> None:
    halt = asked(account, "flatten")
    advance(halt, 0, 0, "", NOW, WALL)
    lift(account, "RESUME", by=account.user, now=NOW, wall_now=WALL)
    found = account.user.notifications.order_by("pk").values_list("event", "url")
    assert list(found) == [("halt", "/dashboard/stop-trading")] * 3


def test_an_operator_is_named_as_one(account: BrokerAccount, bob: User) -> None:
    assert asked(account, "entries", by=bob).requested_by == "the operator bob@example.com"
    assert asked(account, "orders", by="the drawdown kill switch").requested_by == "the drawdown kill switch"


@pytest.mark.parametrize("by", ["operator", COMMAND])
@pytest.mark.parametrize("first", [None, "entries", "flatten"])
def test_only_an_operator_lifts_what_an_operator_has_set(
    account: BrokerAccount, bob: User, by: str, first: str | None
) -> None:
    """Also when the user had asked for the same before."""
    if first is not None:
        asked(account, first)
    halt = asked(account, "entries", by=bob if by == "operator" else by)
    account.refresh_from_db()
    assert (halt.by_operator, account.entries_stopped_by) == (True, halt.requested_by)
    with pytest.raises(OperatorsHalt, match=halt.requested_by):
        lift(account, "RESUME", by=account.user, now=NOW, wall_now=WALL)
    account.refresh_from_db()
    assert account.entries_stopped
    assert lift(account, "RESUME", by=bob, now=NOW, wall_now=WALL)
    asked(account, "entries")
    assert lift(account, "RESUME", by=account.user, now=NOW, wall_now=WALL), "a lifted halt counts no more"


def test_an_operator_lifts_it_for_the_own_account(account: BrokerAccount, bob: User) -> None:
    asked(account, "orders", by=bob)
    User.objects.filter(pk=account.user_id).update(is_superuser=True)
    assert lift(account, "RESUME", by=User.objects.get(pk=account.user_id), now=NOW, wall_now=WALL)


def test_the_users_own_halt_is_no_operators(account: BrokerAccount) -> None:
    for by in (account.user, "the drawdown kill switch"):
        assert not asked(account, "flatten", by=by).by_operator
        assert lift(account, "RESUME", by=account.user, now=NOW, wall_now=WALL)


def test_it_concerns_no_other_account(account: BrokerAccount, alice: User, bob: User) -> None:
    others = [account_of(alice, Mode.LIVE), account_of(bob)]
    asked(account, "flatten")
    for other in others:
        other.refresh_from_db()
        assert (other.entries_stopped, other.halts.count()) == (False, 0)


@pytest.mark.django_db(transaction=True)
def test_a_tick_is_published_and_an_unreachable_queue_is_no_error(
    account: BrokerAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    with published() as tasks:
        asked(account, "flatten")
    assert tasks == [("tick_now", [account.pk])]
    refuse_publishing(monkeypatch)
    assert asked(account, "orders").action == "flatten"
    Halt.objects.all().delete()
    assert asked(account, "orders").action == "orders"


def test_what_fails_leaves_nothing_behind(account: BrokerAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(halts, "record", die)
    with pytest.raises(RuntimeError):
        asked(account, "flatten")
    account.refresh_from_db()
    assert (account.entries_stopped, Halt.objects.count(), account.user.notifications.count()) == (False, 0, 0)


@pytest.mark.parametrize("action", ["orders", "flatten"])
def test_an_operator_who_takes_a_halt_over_is_recorded_and_said(
    account: BrokerAccount, bob: User, action: str
) -> None:
    first = asked(account, action, reason="Mine.")
    assert asked(account, action, by=bob, reason="Ours.").pk == first.pk
    assert asked(account, action, by=bob, reason="Again.").pk == first.pk
    assert asked(account, action, by=account.user).pk == first.pk
    first.refresh_from_db()
    account.refresh_from_db()
    assert (first.by_operator, first.requested_by, first.reason) == (True, "the operator bob@example.com", "Ours.")
    assert (account.entries_stopped_by, account.entries_stopped_reason) == (first.requested_by, "Ours.")
    found = AuditRecord.objects.order_by("sequence").values_list("details__reason", "action")
    assert list(found) == [("Mine.", f"halt_{action}"), ("Ours.", f"halt_{action}")]
    assert account.user.notifications.count() == 2


@pytest.mark.parametrize("finished", [False, True])
def test_an_operator_who_asks_for_less_has_not_asked_for_what_the_user_did(
    account: BrokerAccount, bob: User, finished: bool
) -> None:
    first = asked(account, "flatten", reason="Mine.")
    if finished:
        advance(first, 0, 0, "", NOW, WALL)
    second = asked(account, "entries", by=bob)
    assert asked(account, "entries", by=bob).pk == second.pk
    first.refresh_from_db()
    account.refresh_from_db()
    assert (first.by_operator, first.requested_by) == (False, "alice@example.com")
    assert (second.action, second.by_operator, second.finished_at) == ("entries", True, WALL)
    assert account.entries_stopped_by == "the operator bob@example.com"
    assert account.entries_stopped_reason == "Mine.", "the reason stays until another one is given"


def test_the_halts_of_operators_from_before_are_theirs(account: BrokerAccount, bob: User) -> None:
    by: list[User | str] = [bob, COMMAND, account.user]
    halts_made = [asked(account, action, by=who) for action, who in zip(Halt.Action, by, strict=True)]
    Halt.objects.update(by_operator=False)
    import_module("livetrading.migrations.0006_operators_halts").mark(apps, None)
    assert [Halt.objects.get(pk=halt.pk).by_operator for halt in halts_made] == [True, True, False]
    Halt.objects.update(by_operator=False, lifted_at=WALL)
    import_module("livetrading.migrations.0006_operators_halts").mark(apps, None)
    assert not Halt.objects.filter(by_operator=True).exists()
