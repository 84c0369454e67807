"""What the audit keeps of log-ins: who, how, and from where."""

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from tests.accounts.test_second_factors import API, LOGIN, SECRET, code_of, fresh
from tests.api.client import ApiClient
from tests.conftest import PASSWORD
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord
from tradedesk.audit.origin import current
from tradedesk.middleware import note_origin


@pytest.fixture
def new(db: None) -> Iterator[Any]:
    """The records since the last call: action, actor, via and details of each."""
    seen = 0

    def read() -> list[tuple[str, str, str, dict[str, Any]]]:
        nonlocal seen
        rows = list(AuditRecord.objects.filter(sequence__gt=seen).order_by("sequence"))
        seen = rows[-1].sequence if rows else seen
        return [(row.action, row.actor, row.via, row.details) for row in rows]

    yield read
    assert set(AuditRecord.objects.values_list("address", flat=True)) == {"127.0.0.1"}


def test_log_ins_on_the_page(new: Any, alice: User) -> None:
    browser = Client()
    # Of an address without a user as much is written, or the time of the answer would tell.
    browser.post(LOGIN, {"login": "nobody@example.com", "password": "wrong"})
    assert new() == [("log_in_failed", "somebody", "page", {"what": "password", "logged_in": False})]
    assert not AuditRecord.objects.exclude(user=None).exists()
    browser.post(LOGIN, {"login": "ALICE@example.com", "password": "wrong"})
    assert new() == [("log_in_failed", "somebody", "page", {"what": "password", "logged_in": False})]
    browser.post(LOGIN, {"login": alice.email, "password": PASSWORD})
    assert new() == [("log_in", alice.email, "page", {"means": ["password"]})]
    browser.post("/accounts/reauthenticate/", {"password": "wrong"})
    assert new() == [("log_in_failed", alice.email, "page", {"what": "password", "logged_in": True})]
    browser.post("/accounts/logout/")
    assert new() == [("log_out", alice.email, "page", {})]
    assert set(AuditRecord.objects.values_list("user", flat=True)) == {alice.pk, None}


def test_second_factors_on_the_page(new: Any, alice: User) -> None:
    browser = fresh(alice)
    new()
    secret = browser.get("/accounts/2fa/totp/activate/").context["form"].secret
    with pytest.MonkeyPatch.context() as patch:
        # allauth sends the signal after the commit, which a test does not have.
        patch.setattr("django.db.transaction.on_commit", lambda run, **_: run())
        browser.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert [(action, details) for action, _, _, details in new()] == [
        ("second_factor_added", {"type": "totp"}),
        ("second_factor_added", {"type": "recovery_codes"}),
    ]
    other = Client()
    other.post(LOGIN, {"login": alice.email, "password": PASSWORD})
    assert new() == [("password_accepted", "somebody", "page", {})]  # the password alone is no log-in
    other.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert new() == [("log_in_failed", "somebody", "page", {"what": "totp", "logged_in": False})]
    other.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert new() == [("log_in", alice.email, "page", {"means": ["password", "totp"]})]
    other.post("/accounts/sessions/")
    assert new() == [("sessions_ended", alice.email, "page", {"sessions": 1})]


def test_the_first_second_factor_ends_what_was_begun_with_the_password_alone(new: Any, alice: User) -> None:
    ApiClient(None).post(API, {"email": alice.email, "password": PASSWORD})
    alice.api_tokens.update(name="cron")
    other, browser = fresh(alice), fresh(alice)
    new()
    secret = browser.get("/accounts/2fa/totp/activate/").context["form"].secret
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.db.transaction.on_commit", lambda run, **_: run())
        browser.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert not alice.api_tokens.exists()
    assert [each.get("/dashboard").status_code for each in (browser, other)] == [200, 302]
    assert {action for action, *_ in new()} >= {"tokens_ended", "sessions_ended"}


def test_log_ins_of_the_api(new: Any, alice: User) -> None:
    client = ApiClient(None)
    client.post(API, {"email": alice.email, "password": "wrong"})
    assert new() == [("log_in_failed", "somebody", "api", {"what": "password", "logged_in": False})]
    TOTP.activate(alice, SECRET)
    client.post(API, {"email": alice.email, "password": PASSWORD, "code": "000000"})
    assert new() == [("log_in_failed", "somebody", "api", {"what": "totp", "logged_in": False})]
    client.post(API, {"email": alice.email, "password": PASSWORD, "code": code_of(SECRET)})
    assert new() == [("log_in", alice.email, "api", {"means": ["password", "totp"]})]


def test_a_new_password_is_recorded_without_it(new: Any, alice: User) -> None:
    browser = fresh(alice)
    new()
    values = {"oldpassword": PASSWORD, "password1": "another good one 7", "password2": "another good one 7"}
    browser.post("/accounts/password/change/", values)
    assert new() == [("password_changed", alice.email, "page", {"forgotten": False})]


@pytest.mark.parametrize(
    ("path", "via"), [("/dashboard", "page"), ("/api/v1/strategies", "api"), ("/admin/accounts/user/", "admin")]
)
def test_the_place_of_a_request(path: str, via: str) -> None:
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(current())
        return HttpResponse()

    note_origin(view)(RequestFactory().get(path, REMOTE_ADDR="203.0.113.7"))
    assert [(origin.via, origin.address) for origin in seen] == [(via, "203.0.113.7")]


@pytest.mark.parametrize(("proxies", "address"), [(0, "10.0.0.1"), (1, "203.0.113.7")])
def test_only_the_desks_own_proxy_says_who_is_behind_it(settings: Settings, proxies: int, address: str) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(current().address)
        return HttpResponse()

    header = {"x-forwarded-for": "198.51.100.1, 203.0.113.7"}
    note_origin(view)(RequestFactory(headers=header).get("/", REMOTE_ADDR="10.0.0.1"))
    assert seen == [address]
