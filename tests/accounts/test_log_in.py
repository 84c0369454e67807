"""Logging in and out, signing up, and new passwords, in the browser."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from tests.conftest import PASSWORD
from tradedesk.accounts.models import User

LOGIN = "/accounts/login/"
SIGNUP = "/accounts/signup/"
NEW_PASSWORD = "a rather long sentence 42"


def page_template(response: Any) -> str:
    """The template of the page, without the templates that it extends and includes."""
    return str(response.templates[0].name)


def test_the_correct_password_opens_the_dashboard(charlies_browser: Client, alice: User) -> None:
    answer = charlies_browser.post(LOGIN, {"login": alice.email, "password": PASSWORD})
    assert answer.status_code == 302
    assert answer["Location"] == "/dashboard"


def test_an_email_address_is_the_same_in_any_case(charlies_browser: Client, alice: User) -> None:
    assert charlies_browser.post(LOGIN, {"login": "ALICE@Example.com", "password": PASSWORD}).status_code == 302


def test_the_log_in_continues_to_the_requested_page(charlies_browser: Client, alice: User) -> None:
    form = {"login": alice.email, "password": PASSWORD, "next": "/dashboard/notifications"}
    assert charlies_browser.post(LOGIN, form)["Location"] == "/dashboard/notifications"


def test_the_log_in_never_continues_to_another_site(charlies_browser: Client, alice: User) -> None:
    form = {"login": alice.email, "password": PASSWORD, "next": "https://elsewhere.example/"}
    assert charlies_browser.post(LOGIN, form)["Location"] == "/dashboard"


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_address_have_the_same_response(
    charlies_browser: Client, alice: User, email: str
) -> None:
    answer = charlies_browser.post(LOGIN, {"login": email, "password": "wrong"})
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "The email address and/or password you specified are not correct." in shown
    assert 'role="alert"' in shown


def test_a_missing_password_is_reported_at_its_field(charlies_browser: Client) -> None:
    shown = charlies_browser.post(LOGIN, {"login": "alice@example.com"}).content.decode()
    assert re.search(r'<ul class="errorlist" id="id_password_error"><li>This field is required', shown)
    assert re.search(r'<input[^>]*name="password"[^>]*aria-describedby="[^"]*id_password_error"', shown)


def test_logging_out_needs_a_button(alices_browser: Client) -> None:
    confirmation = alices_browser.get("/accounts/logout/")
    assert page_template(confirmation) == "account/logout.html"
    assert alices_browser.get("/dashboard/notifications").status_code == 200
    alices_browser.post("/accounts/logout/")
    assert alices_browser.get("/dashboard/notifications").status_code == 302


def test_signing_up_creates_a_user_in_paper_mode(charlies_browser: Client) -> None:
    form = {"email": "dora@example.com", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    assert charlies_browser.post(SIGNUP, form)["Location"] == "/dashboard"
    dora = User.objects.get(email="dora@example.com")
    assert (dora.mode, dora.is_staff, dora.is_superuser) == ("paper", False, False)


def test_signing_up_with_a_used_address_creates_no_second_user(charlies_browser: Client, alice: User) -> None:
    form = {"email": "Alice@Example.com", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    charlies_browser.post(SIGNUP, form)
    assert User.objects.count() == 1


@pytest.mark.parametrize("password", ["short1", "password123"])
def test_a_weak_password_is_refused(charlies_browser: Client, password: str) -> None:
    form = {"email": "dora@example.com", "password1": password, "password2": password}
    assert b"errorlist" in charlies_browser.post(SIGNUP, form).content
    assert not User.objects.exists()


def test_a_desk_with_closed_sign_up_creates_no_user(charlies_browser: Client, settings: Settings) -> None:
    settings.SIGNUP_OPEN = False
    form = {"email": "dora@example.com", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    for answer in (charlies_browser.get(SIGNUP), charlies_browser.post(SIGNUP, form)):
        assert page_template(answer) == "account/signup_closed.html"
    assert not User.objects.exists()


def test_a_mailed_link_replaces_a_forgotten_password(charlies_browser: Client, alice: User) -> None:
    answer = charlies_browser.post("/accounts/password/reset/", {"email": alice.email}, follow=True)
    assert page_template(answer) == "account/password_reset_done.html"
    link = re.search(r"http://testserver(/\S+)", str(mail.outbox[0].body))
    assert link
    choosing = charlies_browser.get(link[1], follow=True)
    assert not choosing.context.get("token_fail")
    form = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    done = charlies_browser.post(choosing.redirect_chain[-1][0], form, follow=True)
    assert page_template(done) == "account/password_reset_from_key_done.html"
    alice.refresh_from_db()
    assert alice.check_password(NEW_PASSWORD)
    assert Client().get(link[1], follow=True).context["token_fail"]


def test_a_reset_for_an_unknown_address_has_the_same_response(charlies_browser: Client) -> None:
    answer = charlies_browser.post("/accounts/password/reset/", {"email": "nobody@example.com"}, follow=True)
    assert page_template(answer) == "account/password_reset_done.html"
    assert "/password/reset/key/" not in str(mail.outbox[0].body)


def test_changing_the_password_needs_the_old_one(alices_browser: Client, alice: User) -> None:
    form = {"oldpassword": "wrong", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    alices_browser.post("/accounts/password/change/", form)
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    alices_browser.post("/accounts/password/change/", form | {"oldpassword": PASSWORD})
    alice.refresh_from_db()
    assert alice.check_password(NEW_PASSWORD)
