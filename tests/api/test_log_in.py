"""Tokens: given for a password, slowed down after failures, and ended."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from pytest_django import Settings

from tests.api.client import ApiClient
from tests.conftest import PASSWORD
from tradedesk.accounts.api import TOO_MANY, WAIT, WRONG
from tradedesk.accounts.models import ApiToken, User

LOGIN, LOGOUT, A_CALL = "/api/v1/auth/login", "/api/v1/auth/logout", "/api/v1/strategies"
NEW_PASSWORD = "a rather long sentence 42"
HASHED: list[str] = []


class CountingHasher(MD5PasswordHasher):
    """Notes every hash that is made."""

    def encode(self, password: str, salt: str) -> str:
        HASHED.append(password)
        return super().encode(password, salt)


@pytest.fixture
def slowed_down(settings: Settings) -> None:
    """The limits that the desk has when it is not tested."""
    settings.ACCOUNT_RATE_LIMITS = {}


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 1, 5, 12, tzinfo=UTC), tick=False) as coordinates:
        yield coordinates


def log_in(client: ApiClient, email: str, password: str) -> int:
    return client.post(LOGIN, {"email": email, "password": password}).status


def status_with(token: str, path: str = A_CALL, method: str = "get") -> int:
    call = getattr(Client(), method)
    return int(call(path, headers={"Authorization": f"Bearer {token}"}).status_code)


def token_of(client: ApiClient, user: User) -> str:
    return str(client.post(LOGIN, {"email": user.email, "password": PASSWORD}).json["access_token"])


def test_a_password_gives_a_token_that_opens_the_calls(charlies: ApiClient, alice: User) -> None:
    response = charlies.post(LOGIN, {"email": "  Alice@Example.com ", "password": PASSWORD})
    assert response.status == 200
    assert set(response.json) == {"access_token", "token_type", "expires_in"}
    assert (response.json["token_type"], response.json["expires_in"]) == ("bearer", 24 * 3600)
    assert status_with(response.json["access_token"]) == 200


def test_the_database_never_sees_the_token(charlies: ApiClient, alice: User) -> None:
    token = token_of(charlies, alice)
    (row,) = ApiToken.objects.values_list("sha256", flat=True)
    assert row == sha256(token.encode()).hexdigest()


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_address_look_the_same_and_cost_the_same(
    charlies: ApiClient, alice: User, email: str, settings: Settings
) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    HASHED.clear()
    response = charlies.post(LOGIN, {"email": email, "password": "wrong"})
    assert (response.status, response.json) == (401, {"detail": WRONG})
    assert HASHED == ["wrong"]


def test_who_may_not_log_in_gets_no_token_and_keeps_none(charlies: ApiClient, alice: User) -> None:
    token = token_of(charlies, alice)
    User.objects.update(is_active=False)
    assert log_in(charlies, alice.email, PASSWORD) == 401
    assert status_with(token) == 401


@pytest.mark.usefixtures("slowed_down")
def test_after_five_failures_even_the_right_password_waits(
    charlies: ApiClient, alice: User, clock: time_machine.Traveller
) -> None:
    assert [log_in(charlies, alice.email, "wrong") for _ in range(6)] == [401] * 5 + [429]
    refused = charlies.post(LOGIN, {"email": alice.email.upper(), "password": PASSWORD})
    assert (refused.status, refused.json) == (429, {"detail": TOO_MANY})
    assert refused.headers["Retry-After"] == str(WAIT)
    clock.shift(timedelta(seconds=WAIT + 1))
    assert log_in(charlies, alice.email, PASSWORD) == 200


@pytest.mark.usefixtures("slowed_down")
def test_one_users_failures_do_not_lock_another_out(charlies: ApiClient, alice: User, bob: User) -> None:
    assert [log_in(charlies, alice.email, "wrong") for _ in range(6)][-1] == 429
    assert log_in(charlies, bob.email, PASSWORD) == 200


@pytest.mark.usefixtures("slowed_down")
def test_the_log_in_page_and_the_api_count_together(charlies: ApiClient, alice: User) -> None:
    for _ in range(5):
        Client().post("/accounts/login/", {"login": alice.email, "password": "wrong"})
    assert log_in(charlies, alice.email, PASSWORD) == 429


@pytest.mark.usefixtures("slowed_down")
def test_right_passwords_are_not_counted(charlies: ApiClient, alice: User) -> None:
    assert [log_in(charlies, alice.email, PASSWORD) for _ in range(12)] == [200] * 12


def test_logging_out_ends_this_token_alone(charlies: ApiClient, alice: User) -> None:
    first, second = token_of(charlies, alice), token_of(charlies, alice)
    assert status_with(first, LOGOUT, "post") == 204
    assert (status_with(first), status_with(second)) == (401, 200)
    assert status_with(first, LOGOUT, "post") == 401


def test_a_session_has_no_token_to_revoke(alices_browser: Client) -> None:
    assert alices_browser.post(LOGOUT).status_code == 401


def test_a_token_ends_after_its_hours_and_is_forgotten(
    charlies: ApiClient, alice: User, settings: Settings, clock: time_machine.Traveller
) -> None:
    settings.API_TOKEN_HOURS = 0.5
    token = token_of(charlies, alice)
    clock.shift(timedelta(minutes=29))
    assert status_with(token) == 200
    clock.shift(timedelta(minutes=1))
    assert status_with(token) == 401
    token_of(charlies, alice)
    assert ApiToken.objects.count() == 1


def test_a_new_password_ends_every_token_of_its_user(
    charlies: ApiClient, alices_browser: Client, alice: User, bob: User
) -> None:
    tokens = [token_of(charlies, alice), token_of(charlies, alice)]
    bobs = token_of(charlies, bob)
    form = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    alices_browser.post("/accounts/password/change/", form)
    assert [status_with(token) for token in tokens] == [401, 401]
    assert status_with(bobs) == 200


@pytest.mark.parametrize("field", ["email", "password"])
@pytest.mark.parametrize("value", [None, 3, True, "half \ud800"])
def test_what_is_no_text_is_refused(charlies: ApiClient, alice: User, field: str, value: object) -> None:
    response = charlies.post(LOGIN, {"email": alice.email, "password": PASSWORD, field: value})
    assert response.status == 422
    assert [problem["field"] for problem in response.json["detail"]] == [field]


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic YTpi", "nonsense", "Bearer \xff"])
def test_a_header_that_holds_no_token_is_nobodys(db: None, header: str) -> None:
    assert Client().get(A_CALL, headers={"Authorization": header}).status_code == 401
