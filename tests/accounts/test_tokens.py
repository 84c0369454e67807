"""API tokens of the settings: named, read or trade, expiring, revocable."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.management.commands import changepassword
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import PASSWORD
from tradedesk.accounts import tokens
from tradedesk.accounts.models import ApiToken, User
from tradedesk.audit.models import AuditRecord

NEW_PASSWORD = "a rather long sentence 42"
PAGE, STRATEGIES, LOG_OUT = "/settings/tokens", "/api/v1/strategies", "/api/v1/auth/logout"
VALID = {"name": "Grafana", "scope": "read", "life": "30"}
BODY = {"name": "Golden cross", "kind": "sma_crossover", "symbols": ["AAPL"]}


def call(token: str, method: str = "get") -> int:
    caller = Client(headers={"Authorization": f"Bearer {token}"})
    if method == "get":
        return caller.get(STRATEGIES).status_code
    return caller.post(STRATEGIES, BODY, content_type="application/json").status_code


@pytest.fixture
def browser(alice: User) -> Client:
    """Alice, who has just typed her password."""
    browser = Client()
    browser.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return browser


def test_a_new_token_is_shown_once_and_works(browser: Client, alice: User) -> None:
    token = browser.post(PAGE, VALID).context["new"]
    assert call(token) == 200
    assert token not in browser.get(PAGE).content.decode()
    row = alice.api_tokens.get()
    assert (row.name, row.scope, row.ending) == ("Grafana", "read", token[-4:])
    assert timedelta(days=29) < row.expires_at - timezone.now() <= timedelta(days=30)


@pytest.mark.parametrize(("scope", "status"), [("read", 403), ("trade", 201)])
def test_a_token_that_may_only_read_changes_nothing(browser: Client, alice: User, scope: str, status: int) -> None:
    token = browser.post(PAGE, VALID | {"scope": scope}).context["new"]
    assert call(token, "post") == status
    assert alice.strategies.count() == (status == 201)


def test_a_revoked_token_is_refused_and_its_last_use_is_known(browser: Client, alice: User) -> None:
    token = browser.post(PAGE, VALID).context["new"]
    assert alice.api_tokens.get().last_used_at is None
    call(token)
    row = alice.api_tokens.get()
    assert row.last_used_at is not None
    assert browser.post(f"{PAGE}/{row.pk}/revoke").status_code == 302
    assert call(token) == 401


def test_named_tokens_are_audited_and_those_of_a_log_in_as_such(browser: Client, alice: User) -> None:
    browser.post(PAGE, VALID)
    browser.post(f"{PAGE}/{alice.api_tokens.get().pk}/revoke")
    Client(headers={"Authorization": f"Bearer {tokens.issue(alice, timezone.now()).token}"}).post(LOG_OUT)
    assert not alice.api_tokens.exists()
    *_, issued, revoked, out = AuditRecord.objects.order_by("sequence")
    assert (issued.action, revoked.action) == ("token_issued", "token_revoked")
    assert {record.actor for record in (issued, revoked)} == {alice.email}
    assert (issued.details, issued.user_id) == (revoked.details, alice.pk)
    assert (issued.details["name"], issued.details["scope"]) == ("Grafana", "read")
    assert (issued.via, out.action, out.via) == ("page", "log_out", "token")
    assert out.through.startswith("Log-in …")


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "a\u202eb"), ("name", "x" * 61), ("scope", "all"), ("life", "9999"), ("life", "")],
)
def test_a_wrong_value_is_refused_at_its_field(browser: Client, field: str, value: str) -> None:
    answer = browser.post(PAGE, VALID | {field: value})
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert not ApiToken.objects.exists()


def test_a_user_has_so_many_tokens_and_a_log_in_replaces_a_log_in(browser: Client, alice: User) -> None:
    now = timezone.now()
    first = tokens.issue(alice, now).token
    for number in range(tokens.MOST - 1):
        tokens.issue(alice, now, name=str(number), life=timedelta(days=1))
    answer = browser.post(PAGE, VALID)
    assert (answer.status_code, answer.context["new"]) == (200, "")
    assert call(tokens.issue(alice, now).token) == 200
    assert call(first) == 401
    assert alice.api_tokens.count() == tokens.MOST


def test_only_the_owner_sees_and_revokes_a_token(
    browser: Client, bobs_browser: Client, charlies_browser: Client, alice: User, bob: User
) -> None:
    browser.post(PAGE, VALID)
    row = alice.api_tokens.get()
    assert bobs_browser.post(f"{PAGE}/{row.pk}/revoke").status_code == 404
    assert charlies_browser.post(f"{PAGE}/{row.pk}/revoke")["Location"].startswith("/accounts/login/")
    assert charlies_browser.get(PAGE)["Location"].startswith("/accounts/login/")
    assert alice.api_tokens.exists()


def test_a_token_needs_a_password_that_was_just_typed(alices_browser: Client, alice: User) -> None:
    answer = alices_browser.post(PAGE, VALID)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not ApiToken.objects.exists()


def test_a_new_password_from_an_operator_ends_all_tokens(
    admin_client: Client, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changepassword.Command, "_get_pass", lambda *_: NEW_PASSWORD)
    typed = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    page = f"/admin/accounts/user/{alice.pk}/password/"
    changes: list[Callable[[], object]] = [
        lambda: call_command("changepassword", alice.email, stdout=StringIO()),
        lambda: admin_client.post(page, typed | {"usable_password": "true"}),
        lambda: admin_client.post(page, {"usable_password": "false", "unset-password": "1"}),
    ]
    bobs = tokens.issue(bob, timezone.now()).token
    for change in changes:
        before, token = alice.password, tokens.issue(alice, timezone.now()).token
        change()
        alice.refresh_from_db()
        assert alice.password != before
        assert call(token) == 401
    assert call(bobs) == 200


def test_a_log_in_that_stores_a_stronger_hash_ends_no_token(alice: User, settings: Settings) -> None:
    token, before = tokens.issue(alice, timezone.now()).token, alice.password
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]
    Client().post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    alice.refresh_from_db()
    assert alice.password != before
    assert call(token) == 200
