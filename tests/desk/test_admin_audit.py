"""What an operator does in the admin is in the audit, on the pages of other packages too."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from strategies.models import Strategy
from tests.desk.made_rows import make_row
from tradedesk.accounts.models import User
from tradedesk.audit import services
from tradedesk.audit.models import AuditRecord


def records() -> list[tuple[str, str, str, Any]]:
    rows = AuditRecord.objects.order_by("sequence")
    return [(row.action, row.subject_type, row.via, row.user_id) for row in rows]


def test_a_user_is_changed(admin_client: Client, admin_user: User, alice: User) -> None:
    change = reverse("admin:accounts_user_change", args=[alice.pk])
    group = Group.objects.create(name="Operators")
    values = {"email": "a@example.com", "is_staff": "on", "groups": [group.pk]}
    assert admin_client.post(change, values).status_code == 302
    found = AuditRecord.objects.get()
    assert (found.action, found.actor, found.user_id) == ("admin_changed", admin_user.email, alice.pk)
    assert (found.via, found.address) == ("admin", "127.0.0.1")
    assert found.details["is_staff"] == {"before": False, "after": True}
    assert found.details["email"] == {"before": "alice@example.com", "after": "a@example.com"}
    assert found.details["groups"] == {"before": [], "after": ["Operators"]}
    # Django's own log has no values.
    assert "values" not in LogEntry.objects.get().change_message


def test_a_password_is_set_without_its_value(admin_client: Client, alice: User) -> None:
    form = {"usable_password": "true", "password1": "a-planted-one-7", "password2": "a-planted-one-7"}
    admin_client.post(reverse("admin:auth_user_password_change", args=[alice.pk]), form)
    alice.refresh_from_db()
    assert alice.check_password("a-planted-one-7")
    assert records() == [("admin_changed", "user", "admin", alice.pk)]
    assert "planted" not in str(AuditRecord.objects.values())


def test_rows_are_added_and_deleted(admin_client: Client, alice: User) -> None:
    admin_client.post(reverse("admin:auth_group_add"), {"name": "Readers"})
    factor = make_row(Authenticator, user=alice)
    admin_client.post(reverse("admin:mfa_authenticator_delete", args=[factor.pk]), {"post": "yes"})
    chosen = {"action": "delete_selected", "post": "yes", "_selected_action": [make_row(Strategy, user=alice).pk]}
    admin_client.post(reverse("admin:strategies_strategy_changelist"), chosen)
    own = User.objects.get(is_superuser=True).pk
    assert records() == [
        ("admin_added", "group", "admin", own),
        ("admin_deleted", "authenticator", "admin", alice.pk),
        ("admin_deleted", "strategy", "admin", alice.pk),
    ]


def test_a_deletion_is_recorded_once_it_is_made(
    admin_client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock of the audit is not held for it, and one that fails leaves no record."""
    row = make_row(Strategy, user=alice)
    chosen = {"action": "delete_selected", "post": "yes", "_selected_action": [row.pk]}
    url = reverse("admin:strategies_strategy_changelist")

    def fail(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("strategies.admin.delete_strategy", fail)
        with pytest.raises(RuntimeError):
            admin_client.post(url, chosen)
    assert records() == []
    left: list[int] = []
    patched = services.record_all

    def spy(*given: Any) -> Any:
        left.append(Strategy.objects.count())
        return patched(*given)

    monkeypatch.setattr(services, "record_all", spy)
    admin_client.post(url, chosen)
    factor = make_row(Authenticator, user=alice)
    admin_client.post(reverse("admin:mfa_authenticator_delete", args=[factor.pk]), {"post": "yes"})
    assert (left[0], [action for action, *_ in records()]) == (0, ["admin_deleted"] * 2)


def test_a_change_is_recorded_after_djangos_own_log(
    admin_client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock of the audit is the last one everywhere."""
    logged: list[int] = []
    patched = services.record_all

    def spy(*given: Any) -> Any:
        logged.append(LogEntry.objects.count())
        return patched(*given)

    monkeypatch.setattr(services, "record_all", spy)
    admin_client.post(reverse("admin:accounts_user_change", args=[alice.pk]), {"email": "a@example.com"})
    admin_client.post(reverse("admin:auth_group_add"), {"name": "Operators"})
    assert logged == [1, 2]


def test_a_user_is_deactivated_and_activated_by_actions_alone(
    admin_client: Client, admin_user: User, alice: User
) -> None:
    change = reverse("admin:accounts_user_change", args=[alice.pk])
    users = reverse("admin:accounts_user_changelist")
    for action, active in (("deactivate", False), ("activate", True), ("activate", True)):
        admin_client.post(users, {"action": action, "_selected_action": [alice.pk]})
        alice.refresh_from_db()
        assert alice.is_active is active
    assert [each[0] for each in records()] == ["deactivate", "activate"]
    admin_client.post(change, {"email": alice.email})  # without "is_active" an unticked box
    alice.refresh_from_db()
    assert alice.is_active
