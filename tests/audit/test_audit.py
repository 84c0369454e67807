from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.livetrading.at_once import at_once
from tradedesk.accounts.models import User
from tradedesk.audit import services
from tradedesk.audit.models import AppendOnly, AuditEnd, AuditRecord
from tradedesk.audit.origin import DESK
from tradedesk.audit.services import Entry, broken_at, record, record_all
from tradedesk.notifications.events import Event
from tradedesk.notifications.models import Notification
from tradedesk.notifications.services import notify

WALL = datetime(2026, 3, 5, 21, tzinfo=UTC)


def note_of(user: User) -> Notification:
    return notify(user, Event.ORDER_FILLED, "Bought 12 AAPL.", "", WALL)


def forge(sql: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def test_a_record_says_who_did_what_when_and_to_whom(alice: User) -> None:
    stored = record(
        "manage.py halt_trading", "halt", note_of(alice), {"before": Decimal("1.5"), "after": None}, WALL
    )
    stored.refresh_from_db()
    assert (stored.sequence, stored.time, stored.actor, stored.user_id) == (
        1,
        WALL,
        "manage.py halt_trading",
        alice.pk,
    )
    assert (stored.action, stored.subject_type) == ("halt", "notification")
    assert stored.details == {"before": "1.5", "after": None}


def test_the_user_is_the_owner_of_the_subject_the_subject_or_the_actor(alice: User, bob: User) -> None:
    assert record(bob, "close", note_of(alice), {}, WALL).user_id == alice.pk
    assert record("operator", "halt", alice, {}, WALL).user_id == alice.pk
    assert record("operator", "halt", AuditEnd.objects.get(), {}, WALL).user_id is None
    assert broken_at() == ""


def test_a_deleted_user_leaves_the_chain_whole(alice: User, bob: User) -> None:
    record(alice, "pause", note_of(alice), {}, WALL)
    alice.delete()
    record(bob, "pause", note_of(bob), {}, WALL)
    assert broken_at() == ""
    assert [each.actor for each in AuditRecord.objects.all()] == ["bob@example.com", "alice@example.com"]


@pytest.mark.parametrize("value", [0.1, 1e-7, -0.0, 1e22, 2**60, "ünï", {"b": [1, None, True]}])
def test_what_the_database_returns_has_the_hash_that_was_stored(alice: User, value: Any) -> None:
    record(alice, "edit", note_of(alice), {"after": value}, WALL)
    assert broken_at() == ""


def test_a_stored_record_is_neither_changed_nor_deleted(alice: User) -> None:
    stored = record(alice, "pause", note_of(alice), {}, WALL)
    stored.actor = "bob@example.com"
    for attempt in (
        stored.save,
        stored.delete,
        AuditRecord.objects.all().delete,
        lambda: AuditRecord.objects.update(actor="bob@example.com"),
        lambda: AuditRecord.objects.bulk_update([stored], ["actor"]),
    ):
        with pytest.raises(AppendOnly):
            attempt()
    assert AuditRecord.objects.get().actor == "alice@example.com"


def test_a_transaction_that_is_rolled_back_leaves_no_record(alice: User) -> None:
    with transaction.atomic():
        record(alice, "pause", note_of(alice), {}, WALL)
        transaction.set_rollback(True)
    assert not AuditRecord.objects.exists()
    assert record(alice, "pause", alice, {}, WALL).sequence == 1
    assert broken_at() == ""


@pytest.mark.parametrize(
    ("forgery", "named"),
    [
        ("UPDATE audit_auditrecord SET actor = 'bob' WHERE sequence = 2", "Record 2 "),
        ("UPDATE audit_auditrecord SET details = '{}' WHERE sequence = 3", "Record 3 "),
        ("DELETE FROM audit_auditrecord WHERE sequence = 2", "Record 2 "),
        ("DELETE FROM audit_auditrecord WHERE sequence = 3", "The audit ends with record 2"),
        ("UPDATE audit_auditend SET sequence = 2", "Record 3 "),
    ],
)
def test_the_command_names_the_first_broken_record(alice: User, forgery: str, named: str) -> None:
    for number in range(3):
        record(alice, "edit", alice, {"number": number}, WALL)
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert "3 records" in out.getvalue()
    assert AuditEnd.objects.get().hash in out.getvalue()
    forge(forgery)
    with pytest.raises(CommandError, match=f"^{named}"):
        call_command("verify_audit")


def test_the_command_names_every_break(alice: User) -> None:
    for number in range(6):
        record(alice, "edit", alice, {"number": number}, WALL)
    forge("UPDATE audit_auditrecord SET address = '203.0.113.7' WHERE sequence IN (2, 5)")
    with pytest.raises(CommandError) as refused:
        call_command("verify_audit")
    assert [line[:8] for line in str(refused.value).splitlines()] == ["Record 2", "Record 5"]


def test_the_chain_is_read_in_short_batches(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "ROWS", 2)
    record_all([Entry(alice, "edit", alice, {"number": number}) for number in range(5)], WALL)
    with CaptureQueriesContext(connection) as queries:
        assert broken_at() == ""
    batches = [each["sql"] for each in queries if "details" in each["sql"]]
    assert len(batches) == 4  # the last one finds nothing
    assert all("LIMIT 2" in sql for sql in batches)


def test_a_batch_is_one_link_after_the_other_in_the_callers_transaction(alice: User) -> None:
    assert record_all([], WALL) == []
    with transaction.atomic():
        rows = record_all([Entry(alice, "edit", alice, {"number": number}) for number in range(3)], WALL)
        transaction.set_rollback(True)
    assert [row.sequence for row in rows] == [1, 2, 3]
    assert not AuditRecord.objects.exists()
    record_all([Entry(None, "edit", alice)], WALL)
    assert AuditRecord.objects.get().actor == DESK
    assert broken_at() == ""


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_make_one_chain(alice: User) -> None:
    def write() -> None:
        for _ in range(5):
            record(alice, "edit", alice, {}, WALL)

    assert at_once(write, write, write) == [None, None, None]
    assert AuditRecord.objects.count() == 15
    assert broken_at() == ""


def test_an_administrator_reads_records_and_changes_none(admin_client: Client, alice: User) -> None:
    stored = record(alice, "pause", note_of(alice), {}, WALL)
    page = f"/admin/audit/auditrecord/{stored.pk}/change/"
    assert admin_client.get("/admin/audit/auditrecord/").status_code == 200
    assert admin_client.get(page).status_code == 200
    assert admin_client.post(page, {"actor": "bob"}).status_code == 403
    assert admin_client.post(f"/admin/audit/auditrecord/{stored.pk}/delete/").status_code == 403
    assert admin_client.get("/admin/audit/auditrecord/add/").status_code == 403


def test_others_do_not_read_the_audit(alices_browser: Client, charlies_browser: Client) -> None:
    for browser in (alices_browser, charlies_browser):
        assert browser.get("/admin/audit/auditrecord/").status_code == 302
