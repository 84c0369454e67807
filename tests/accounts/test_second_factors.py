"""Two-factor log-in: the password alone opens neither the pages nor the API."""

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.test import Client
from pytest_django import Settings

from tests.api.client import ApiClient
from tests.conftest import PASSWORD
from tradedesk.accounts.models import User

LOGIN, API = "/accounts/login/", "/api/v1/auth/login"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code_of(secret: str) -> str:
    """By RFC 6238, from the time of this machine."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def fresh(user: User) -> Client:
    """A browser in which the user has just typed the password."""
    browser = Client()
    browser.post(LOGIN, {"login": user.email, "password": PASSWORD})
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return browser


@pytest.fixture
def charlies(db: None) -> ApiClient:
    return ApiClient(None)


@pytest.fixture
def with_app(alice: User) -> User:
    TOTP.activate(alice, SECRET)
    return alice


def test_setting_it_up_needs_the_code_of_the_app(alice: User) -> None:
    browser = fresh(alice)
    shown = browser.get("/accounts/2fa/totp/activate/")
    assert "data:image/svg+xml" in shown.content.decode()
    secret = shown.context["form"].secret
    assert browser.post("/accounts/2fa/totp/activate/", {"code": "000000"}).status_code == 200
    browser.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert browser.get("/settings/security").context["app"] is not None


def test_its_secret_is_encrypted_in_the_database(with_app: User) -> None:
    stored = Authenticator.objects.get(user=with_app).data["secret"]
    assert SECRET not in stored
    assert stored.startswith("v1:")


def test_the_password_alone_opens_no_page(with_app: User) -> None:
    browser = Client()
    answer = browser.post(LOGIN, {"login": with_app.email, "password": PASSWORD})
    assert answer["Location"].startswith("/accounts/2fa/authenticate/")
    assert browser.get("/dashboard").status_code == 302
    assert browser.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert browser.get("/dashboard").status_code == 302
    browser.post("/accounts/2fa/authenticate/", {"code": code_of(SECRET)})
    assert browser.get("/dashboard").status_code == 200


@pytest.mark.parametrize(("code", "status"), [("", 401), ("000000", 401), ("right", 200)])
def test_the_password_alone_gives_no_token(charlies: ApiClient, with_app: User, code: str, status: int) -> None:
    body = {"email": with_app.email, "password": PASSWORD, "code": code_of(SECRET) if code == "right" else code}
    assert charlies.post(API, body).status == status
    assert with_app.api_tokens.count() == (status == 200)


def test_a_recovery_code_works_once(charlies: ApiClient, with_app: User) -> None:
    codes = RecoveryCodes.activate(with_app)
    body = {"email": with_app.email, "password": PASSWORD, "code": codes.generate_codes()[0]}
    assert [charlies.post(API, body).status for _ in range(2)] == [200, 401]


def test_guessing_codes_is_limited(charlies: ApiClient, with_app: User, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "100/m/ip,5/5m/key"}
    body = {"email": with_app.email, "password": PASSWORD, "code": "000000"}
    assert [charlies.post(API, body).status for _ in range(6)] == [401] * 5 + [429]


def test_other_sessions_can_be_ended(alice: User) -> None:
    first, second = Client(), Client()
    for browser in (first, second):
        browser.post(LOGIN, {"login": alice.email, "password": PASSWORD})
    assert first.get("/settings/security").context["sessions"] == 2
    first.post("/accounts/sessions/")
    assert first.get("/dashboard").status_code == 200
    assert second.get("/dashboard").status_code == 302


def test_every_page_of_the_security_settings_renders(alice: User, charlies_browser: Client) -> None:
    browser = fresh(alice)
    assert browser.get("/accounts/2fa/")["Location"] == "/settings/security", "the settings have the overview"
    paths = ["/settings/security", "/accounts/email/", "/accounts/2fa/webauthn/", "/accounts/2fa/webauthn/add/"]
    for path in [*paths, "/accounts/sessions/"]:
        page = browser.get(path)
        assert page.status_code == 200, path
        assert not re.search(r"<script(?![^>]*(src=|application/json))", page.content.decode()), path
        assert charlies_browser.get(path)["Location"].startswith(LOGIN), path
    TOTP.activate(alice, SECRET)
    RecoveryCodes.activate(alice)
    for path in ("/accounts/2fa/totp/deactivate/", "/settings/security"):
        assert browser.get(path).status_code == 200, path
    codes = RecoveryCodes(Authenticator.objects.get(user=alice, type="recovery_codes")).get_unused_codes()
    shown = browser.get("/accounts/2fa/recovery-codes/").content.decode()
    assert all(code in shown for code in codes)
