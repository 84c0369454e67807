"""The line in the top bar: each user sees what concerns the user, an operator everything."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from livetrading.models import BrokerAccount, LiveStrategy
from livetrading.summaries.trouble import HEALTH_PAGE, LIVE_PAGE, OWN, trouble_of
from tests.livetrading.factories import NOW, TODAY, WALL, account_of, at_day, make_live_strategy, make_order
from tradedesk.accounts.models import User
from tradedesk.monitoring.findings import Finding, State
from tradedesk.monitoring.health import Health, HealthReader
from tradedesk.monitoring.stored import store_health

STATUS = "/dashboard/status"


def desk_is(part: str, state: State, wall_now: Any = WALL) -> None:
    store_health(Health({part: Finding(state, f"about {part}")}), wall_now)


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create_superuser("operator@example.com", "x")


@pytest.fixture
def operators_browser(operator: User) -> Client:
    browser = Client()
    browser.force_login(operator, backend="allauth.account.auth_backends.AuthenticationBackend")
    return browser


# --- What is said to whom ----------------------------------------------------------------------------------


def test_all_is_well(alice: User, operator: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make_live_strategy(user=alice)
    desk_is("database", State.OK)
    with django_assert_num_queries(2):
        assert trouble_of(alice, WALL) is None
    assert trouble_of(operator, WALL) is None


def make_trouble(user: User, name: str) -> None:
    match name:
        case "failing_account":
            BrokerAccount.objects.filter(pk=account_of(user).pk).update(failures=3)
        case "stuck_order":
            make_order(user=user, state_changed_at=WALL - timedelta(seconds=61))
        case "missed_checks":
            make_live_strategy(user=user, missed_checks_at=NOW)
        case "error":
            make_live_strategy(user=user, status=LiveStrategy.Status.ERROR)
        case "failing_checks":
            make_live_strategy(user=user, failures=3)


@pytest.mark.parametrize("name", list(OWN))
def test_a_user_is_told_of_the_users_own_trouble(alice: User, bob: User, name: str) -> None:
    desk_is("database", State.OK)
    make_trouble(alice, name)
    found = trouble_of(alice, WALL)
    assert found is not None
    assert (found.text, found.url, found.is_error) == (OWN[name], LIVE_PAGE, True)
    assert trouble_of(bob, WALL) is None


def test_the_worst_comes_first(alice: User) -> None:
    for name in reversed(OWN):
        make_trouble(alice, name)
        found = trouble_of(alice, WALL)
        assert found is not None
        assert found.text == OWN[name]
    desk_is("worker", State.ERROR)
    found = trouble_of(alice, WALL)
    assert found is not None
    assert "Worker" in found.text


def test_a_stopped_strategy_is_no_trouble(alice: User) -> None:
    make_live_strategy(user=alice, failures=9, missed_checks_at=NOW, status=LiveStrategy.Status.STOPPED)
    assert trouble_of(alice, WALL) is None


@pytest.mark.parametrize(
    ("part", "state", "users_see_it"),
    [("worker", State.ERROR, True), ("accounts", State.ERROR, False), ("disk", State.WARNING, False)],
)
def test_an_operator_sees_all_trouble(
    alice: User, operator: User, part: str, state: State, users_see_it: bool
) -> None:
    desk_is(part, state)
    assert (trouble_of(alice, WALL) is not None) == users_see_it
    found = trouble_of(operator, WALL)
    assert found is not None
    assert f"about {part}" in found.text
    assert (found.url, found.is_error) == (HEALTH_PAGE, state == State.ERROR)


# --- The pages ---------------------------------------------------------------------------------------------


def test_the_top_bar_shows_it(
    alice: User, alices_browser: Client, bobs_browser: Client, charlies_browser: Client
) -> None:
    at_day(TODAY)
    make_live_strategy(user=alice, missed_checks_at=NOW)
    desk_is("database", State.OK, timezone.now())
    for url in (STATUS, LIVE_PAGE):
        assert "trouble-line" in alices_browser.get(url).content.decode()
        assert "trouble-line" not in bobs_browser.get(url).content.decode()
    assert "trouble-line" not in charlies_browser.get("/accounts/login/").content.decode()


def test_only_an_operator_sees_the_page_of_the_health(
    operators_browser: Client, alices_browser: Client, charlies_browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Health(
        {
            "database": Finding(State.OK, "It takes writes."),
            "accounts": Finding(State.ERROR, "1 broker account", ("Account 7 (Paper account): never.",)),
        }
    )
    monkeypatch.setattr(HealthReader, "read", lambda self, wall_now: found)
    shown = operators_browser.get(HEALTH_PAGE).content.decode()
    assert "The desk is down" in shown
    assert "Account 7 (Paper account): never." in shown
    fragment = operators_browser.get(HEALTH_PAGE, headers={"HX-Request": "true"}).content.decode()
    assert 'id="health"' in fragment
    assert "<html" not in fragment
    assert HEALTH_PAGE in operators_browser.get(STATUS.replace("status", "live-trading")).content.decode()

    assert alices_browser.get(HEALTH_PAGE).status_code == 404
    assert HEALTH_PAGE not in alices_browser.get(LIVE_PAGE).content.decode()
    assert charlies_browser.get(HEALTH_PAGE).status_code == 302
