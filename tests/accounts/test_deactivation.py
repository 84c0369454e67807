"""A user with history is deactivated, never deleted."""

import pytest
from django.db.models import ProtectedError
from django.test import Client
from django.utils import timezone

from livetrading.services.accounts import active_account
from tests.api.client import ApiClient
from tests.conftest import PASSWORD
from tradedesk.accounts.deactivation import deactivate
from tradedesk.accounts.models import Mode, User
from tradedesk.audit.models import AuditRecord


def test_a_deactivated_user_has_no_way_in(alice: User) -> None:
    browser, api = Client(), ApiClient(alice)
    browser.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert browser.get("/dashboard").status_code == 200
    deactivate(alice, alice, timezone.now())
    assert browser.get("/dashboard").status_code == 302
    assert api.get("/api/v1/strategies").status == 401
    answer = Client().post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert answer["Location"] == "/accounts/inactive/"


def test_a_user_who_has_traded_cannot_be_deleted(alice: User, bob: User, admin_client: Client) -> None:
    active_account(alice.pk, Mode.PAPER)
    with pytest.raises(ProtectedError):
        alice.delete()
    for user in (alice, bob):
        admin_client.post(f"/admin/accounts/user/{user.pk}/delete/", {"post": "yes"})
    assert list(User.objects.filter(pk__in=[alice.pk, bob.pk])) == [alice]


def test_an_operator_deactivates_users_but_not_himself(
    alice: User, admin_client: Client, admin_user: User
) -> None:
    chosen = {"action": "deactivate", "_selected_action": [alice.pk, admin_user.pk]}
    admin_client.post("/admin/accounts/user/", chosen)
    alice.refresh_from_db()
    admin_user.refresh_from_db()
    assert (alice.is_active, admin_user.is_active) == (False, True)
    admin_client.post("/admin/accounts/user/", chosen)
    audited = AuditRecord.objects.get()
    assert (audited.actor, audited.action) == (admin_user.email, "deactivate")
    assert (audited.subject_id, audited.user_id) == (str(alice.pk), alice.pk)
