"""Logging in and out, signing up, and new passwords, as a person does it."""

import re

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from tests.conftest import PASSWORD
from tradedesk.accounts.models import User

LOGIN = "/accounts/login/"
SIGNUP = "/accounts/signup/"
NEW_PASSWORD = "a rather long sentence 42"


def test_the_right_password_opens_the_dashboard(charlies_browser: Client, alice: User) -> None:
    answer = charlies_browser.post(LOGIN, {"login": alice.email, "password": PASSWORD})
    assert answer.status_code == 302
    assert answer["Location"] == "/dashboard"


def test_an_email_address_is_the_same_in_any_case(charlies_browser: Client, alice: User) -> None:
    assert charlies_browser.post(LOGIN, {"login": "ALICE@Example.com", "password": PASSWORD}).status_code == 302


def test_it_goes_on_where_the_reader_was_sent_away(charlies_browser: Client, alice: User) -> None:
    form = {"login": alice.email, "password": PASSWORD, "next": "/dashboard/notifications"}
    assert charlies_browser.post(LOGIN, form)["Location"] == "/dashboard/notifications"


def test_it_never_goes_on_to_another_site(charlies_browser: Client, alice: User) -> None:
    form = {"login": alice.email, "password": PASSWORD, "next": "https://elsewhere.example/"}
    assert charlies_browser.post(LOGIN, form)["Location"] == "/dashboard"


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_address_look_the_same(
    charlies_browser: Client, alice: User, email: str
) -> None:
    answer = charlies_browser.post(LOGIN, {"login": email, "password": "wrong"})
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "The email address and/or password you specified are not correct." in shown
    assert 'role="alert"' in shown


def test_a_missing_password_is_told_at_its_field(charlies_browser: Client) -> None:
    shown = charlies_browser.post(LOGIN, {"login": "alice@example.com"}).content.decode()
    assert re.search(r'<ul class="errorlist" id="id_password_error"><li>This field is required', shown)
    assert re.search(r'<input[^>]*name="password"[^>]*aria-describedby="[^"]*id_password_error"', shown)


def test_logging_out_needs_a_button(alices_browser: Client) -> None:
    asked = alices_browser.get("/accounts/logout/")
    assert b"Log out?" in asked.content
    assert alices_browser.get("/dashboard/notifications").status_code == 200
    alices_browser.post("/accounts/logout/")
    assert alices_browser.get("/dashboard/notifications").status_code == 302


def test_signing_up_makes_a_user_on_paper(charlies_browser: Client) -> None:
    form = {"email": "dora@example.com", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    assert charlies_browser.post(SIGNUP, form)["Location"] == "/dashboard"
    dora = User.objects.get(email="dora@example.com")
    assert (dora.mode, dora.is_staff, dora.is_superuser) == ("paper", False, False)


def test_signing_up_with_a_taken_address_makes_no_second_user(charlies_browser: Client, alice: User) -> None:
    form = {"email": "Alice@Example.com", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    charlies_browser.post(SIGNUP, form)
    assert User.objects.count() == 1


@pytest.mark.parametrize("password", ["short1", "password123"])
def test_a_weak_password_is_refused(charlies_browser: Client, password: str) -> None:
    form = {"email": "dora@example.com", "password1": password, "password2": password}
    assert b"errorlist" in charlies_browser.post(SIGNUP, form).content
    assert not User.objects.exists()


def test_a_closed_desk_takes_nobody(charlies_browser: Client, settings: Settings) -> None:
    settings.SIGNUP_OPEN = False
    form = {"email": "dora@example.com", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    for answer in (charlies_browser.get(SIGNUP), charlies_browser.post(SIGNUP, form)):
        assert b"Sign-up is closed" in answer.content
    assert not User.objects.exists()


def test_a_forgotten_password_is_replaced_by_a_mailed_link(charlies_browser: Client, alice: User) -> None:
    answer = charlies_browser.post("/accounts/password/reset/", {"email": alice.email}, follow=True)
    assert b"Look into your mailbox" in answer.content
    link = re.search(r"http://testserver(/\S+)", str(mail.outbox[0].body))
    assert link
    choosing = charlies_browser.get(link[1], follow=True)
    assert b"Choose a new password" in choosing.content
    form = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    done = charlies_browser.post(choosing.redirect_chain[-1][0], form, follow=True)
    assert b"Password changed" in done.content
    alice.refresh_from_db()
    assert alice.check_password(NEW_PASSWORD)
    assert b"This link is used up" in Client().get(link[1], follow=True).content


def test_a_reset_for_an_unknown_address_looks_the_same(charlies_browser: Client) -> None:
    answer = charlies_browser.post("/accounts/password/reset/", {"email": "nobody@example.com"}, follow=True)
    assert b"Look into your mailbox" in answer.content


def test_changing_the_password_needs_the_old_one(alices_browser: Client, alice: User) -> None:
    form = {"oldpassword": "wrong", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    alices_browser.post("/accounts/password/change/", form)
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    alices_browser.post("/accounts/password/change/", form | {"oldpassword": PASSWORD})
    alice.refresh_from_db()
    assert alice.check_password(NEW_PASSWORD)
