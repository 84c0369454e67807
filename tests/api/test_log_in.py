"""API tokens: login, rate limits, logout and expiry."""

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
from tradedesk.accounts.api import RETRY_AFTER, TOO_MANY, WRONG
from tradedesk.accounts.models import ApiToken, User

LOGIN, LOGOUT, STRATEGIES = "/api/v1/auth/login", "/api/v1/auth/logout", "/api/v1/strategies"
NEW_PASSWORD = "a rather long sentence 42"
HASHED: list[str] = []


class CountingHasher(MD5PasswordHasher):
    """Records every password that is hashed."""

    def encode(self, password: str, salt: str) -> str:
        HASHED.append(password)
        return super().encode(password, salt)


@pytest.fixture
def rate_limits(settings: Settings) -> None:
    """The limits of the desk, which are off in the other tests."""
    settings.ACCOUNT_RATE_LIMITS = {}


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 1, 5, 12, tzinfo=UTC), tick=False) as clock:
        yield clock


def log_in(client: ApiClient, email: str, password: str) -> int:
    return client.post(LOGIN, {"email": email, "password": password}).status


def status_of(token: str, path: str = STRATEGIES, method: str = "get") -> int:
    call = getattr(Client(), method)
    return int(call(path, headers={"Authorization": f"Bearer {token}"}).status_code)


def token_of(client: ApiClient, user: User) -> str:
    return str(client.post(LOGIN, {"email": user.email, "password": PASSWORD}).json["access_token"])


def test_a_token_gives_access(charlies: ApiClient, alice: User) -> None:
    response = charlies.post(LOGIN, {"email": "  Alice@Example.com ", "password": PASSWORD})
    assert response.status == 200
    assert set(response.json) == {"access_token", "token_type", "expires_in"}
    assert (response.json["token_type"], response.json["expires_in"]) == ("bearer", 24 * 3600)
    assert status_of(response.json["access_token"]) == 200


def test_the_database_has_only_the_hash_of_a_token(charlies: ApiClient, alice: User) -> None:
    token = token_of(charlies, alice)
    (row,) = ApiToken.objects.values_list("sha256", flat=True)
    assert row == sha256(token.encode()).hexdigest()


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_address_are_alike(
    charlies: ApiClient, alice: User, email: str, settings: Settings
) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    HASHED.clear()
    response = charlies.post(LOGIN, {"email": email, "password": "wrong"})
    assert (response.status, response.json) == (401, {"detail": WRONG})
    assert HASHED == ["wrong"]


def test_an_inactive_user_has_no_token(charlies: ApiClient, alice: User) -> None:
    token = token_of(charlies, alice)
    User.objects.update(is_active=False)
    assert log_in(charlies, alice.email, PASSWORD) == 401
    assert status_of(token) == 401


@pytest.mark.usefixtures("rate_limits")
def test_after_five_failures_the_right_password_is_refused_too(
    charlies: ApiClient, alice: User, clock: time_machine.Traveller
) -> None:
    assert [log_in(charlies, alice.email, "wrong") for _ in range(6)] == [401] * 5 + [429]
    refused = charlies.post(LOGIN, {"email": alice.email.upper(), "password": PASSWORD})
    assert (refused.status, refused.json) == (429, {"detail": TOO_MANY})
    assert refused.headers["Retry-After"] == str(RETRY_AFTER)
    clock.shift(timedelta(seconds=RETRY_AFTER + 1))
    assert log_in(charlies, alice.email, PASSWORD) == 200


@pytest.mark.usefixtures("rate_limits")
def test_failures_of_one_user_do_not_affect_another(charlies: ApiClient, alice: User, bob: User) -> None:
    assert [log_in(charlies, alice.email, "wrong") for _ in range(6)][-1] == 429
    assert log_in(charlies, bob.email, PASSWORD) == 200


@pytest.mark.usefixtures("rate_limits")
def test_a_stranger_cannot_lock_a_user_out(charlies: ApiClient, alice: User) -> None:
    stranger = Client(REMOTE_ADDR="203.0.113.9")
    for _ in range(12):
        stranger.post("/accounts/login/", {"login": alice.email, "password": "wrong"})
    right = {"login": alice.email, "password": PASSWORD}
    assert stranger.post("/accounts/login/", right).status_code == 200  # the page again, with the limit
    assert log_in(charlies, alice.email, PASSWORD) == 200


@pytest.mark.usefixtures("rate_limits")
def test_failures_on_the_log_in_page_count_too(charlies: ApiClient, alice: User) -> None:
    for _ in range(5):
        Client().post("/accounts/login/", {"login": alice.email, "password": "wrong"})
    assert log_in(charlies, alice.email, PASSWORD) == 429


@pytest.mark.usefixtures("rate_limits")
def test_successful_log_ins_are_not_limited(charlies: ApiClient, alice: User) -> None:
    assert [log_in(charlies, alice.email, PASSWORD) for _ in range(12)] == [200] * 12


def test_log_out_revokes_only_the_token_of_the_request(charlies: ApiClient, alice: User) -> None:
    first, second = token_of(charlies, alice), token_of(charlies, alice)
    assert status_of(first, LOGOUT, "post") == 204
    assert (status_of(first), status_of(second)) == (401, 200)
    assert status_of(first, LOGOUT, "post") == 401


def test_log_out_requires_a_token(alices_browser: Client) -> None:
    assert alices_browser.post(LOGOUT).status_code == 401


def test_a_token_expires_and_is_deleted(
    charlies: ApiClient, alice: User, settings: Settings, clock: time_machine.Traveller
) -> None:
    settings.API_TOKEN_HOURS = 0.5
    token = token_of(charlies, alice)
    clock.shift(timedelta(minutes=29))
    assert status_of(token) == 200
    clock.shift(timedelta(minutes=1))
    assert status_of(token) == 401
    token_of(charlies, alice)
    assert ApiToken.objects.count() == 1


def test_a_new_password_revokes_all_tokens_of_the_user(
    charlies: ApiClient, alices_browser: Client, alice: User, bob: User
) -> None:
    tokens = [token_of(charlies, alice), token_of(charlies, alice)]
    bobs = token_of(charlies, bob)
    form = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    alices_browser.post("/accounts/password/change/", form)
    assert [status_of(token) for token in tokens] == [401, 401]
    assert status_of(bobs) == 200


@pytest.mark.parametrize("field", ["email", "password"])
@pytest.mark.parametrize("value", [None, 3, True, "half \ud800"])
def test_a_value_that_is_not_text_is_refused_at_its_field(
    charlies: ApiClient, alice: User, field: str, value: object
) -> None:
    response = charlies.post(LOGIN, {"email": alice.email, "password": PASSWORD, field: value})
    assert response.status == 422
    assert [problem["field"] for problem in response.json["detail"]] == [field]


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic YTpi", "nonsense", "Bearer \xff"])
def test_an_invalid_authorization_header_is_401(db: None, header: str) -> None:
    assert Client().get(STRATEGIES, headers={"Authorization": header}).status_code == 401
