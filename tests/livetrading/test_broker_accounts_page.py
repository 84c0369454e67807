"""The settings of broker accounts."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from livetrading.models import BrokerAccount, ConnectionTest
from livetrading.services.broker_accounts import MOST
from livetrading.summaries.broker_accounts import AccountRow
from tests.conftest import PASSWORD
from tests.livetrading.factories import account_of, make_live_strategy, make_paper_trade
from tests.livetrading.keyed_broker import KEYS, OTHER_KEYS, KeyedBroker, add, add_verified, report, run, use
from tradedesk.accounts.models import User

PAGE = "/settings/brokers"
ADD = f"{PAGE}/add/alpaca-paper"
FORM = {"name": "Mine", "key_id": KEYS.key_id, "secret": KEYS.secret, "activate": "on"}


@pytest.fixture
def broker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> KeyedBroker:
    return use(settings, monkeypatch)


@pytest.fixture
def browser(alice: User) -> Client:
    """Alice, who has just typed her password."""
    return fresh(alice)


def fresh(user: User) -> Client:
    browser = Client()
    browser.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return browser


def rows(browser: Client) -> list[Any]:
    return list(browser.get(PAGE).context["rows"])


def test_adding_testing_activating_and_revoking(browser: Client, alice: User, broker: KeyedBroker) -> None:
    assert rows(browser) == []
    assert browser.get(ADD).status_code == 200
    assert browser.post(ADD, FORM)["Location"] == PAGE
    (row,) = rows(browser)
    assert (row.connection.value, row.under_way, row.account.active) == ("testing", True, False)
    run(row.account)
    (row,) = rows(browser)
    assert (row.connection.value, row.number, row.account.active) == ("connected", "1234", True)
    pk = row.account.pk
    browser.post(f"{PAGE}/{pk}/rename", {"name": "Other"})
    browser.post(f"{PAGE}/add/simulation", {"name": "Simulation"})
    simulation = BrokerAccount.objects.get(broker="paper")
    browser.post(f"{PAGE}/{simulation.pk}/activate")
    assert {row.account.name: row.account.active for row in rows(browser)} == {"Simulation": True, "Other": False}
    browser.post(f"{PAGE}/{pk}/test")
    assert ConnectionTest.objects.get().state == "queued"
    assert browser.get(f"{PAGE}/{pk}/revoke").context["problem"] == ""
    browser.post(f"{PAGE}/{pk}/revoke")
    assert [row.account.name for row in rows(browser)] == ["Simulation"]
    assert [account.name for account in browser.get(PAGE).context["revoked"]] == ["Other"]


@pytest.mark.parametrize("shorting", [True, False, None])
def test_the_test_of_a_connection_warns_of_short_sales(
    browser: Client, alice: User, broker: KeyedBroker, *, shorting: bool | None
) -> None:
    broker.accounts[KEYS.key_id] = report(shorting=shorting)
    add_verified(alice)
    assert ("data-shorting" in browser.get(PAGE).content.decode()) == bool(shorting)


def test_the_first_account_of_a_mode_is_proposed_as_the_active_one(browser: Client, alice: User) -> None:
    assert browser.get(ADD).context["form"]["activate"].value() is True
    account_of(alice)
    assert browser.get(ADD).context["form"]["activate"].value() is False
    assert browser.get(f"{PAGE}/add/alpaca-live").context["form"]["activate"].value() is True


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"key_id": "short"}, "key_id"),
        ({"secret": ""}, "secret"),
        ({"secret": "é" * 20}, "secret"),
    ],
)
def test_an_error_is_at_its_field_and_nothing_typed_is_shown_again(
    browser: Client, changes: dict[str, str], field: str
) -> None:
    answer = browser.post(ADD, FORM | changes)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {field}
    assert not [text for text in (KEYS.key_id, KEYS.secret) if text in answer.content.decode()]


def test_new_keys(browser: Client, alice: User, broker: KeyedBroker) -> None:
    account = add_verified(alice)
    broker.accounts[OTHER_KEYS.key_id] = broker.accounts[KEYS.key_id]
    typed = {"key_id": OTHER_KEYS.key_id, "secret": OTHER_KEYS.secret}
    assert browser.post(f"{PAGE}/{account.pk}/keys", typed).status_code == 302
    assert "…KEY2" in browser.get(PAGE).content.decode()
    assert browser.post(f"{PAGE}/{account.pk}/keys", typed).status_code == 422  # a test is under way
    run(account)
    assert account.key_hint == "KEY2"


def test_what_is_held_keeps_an_account(browser: Client, alice: User) -> None:
    account = account_of(alice)
    live = make_live_strategy(user=alice)
    make_paper_trade(user=alice, live_strategy=live)
    page = browser.get(f"{PAGE}/{account.pk}/revoke")
    assert page.context["problem"]
    assert "Revoke account" not in page.content.decode()
    assert browser.post(f"{PAGE}/{account.pk}/revoke")["Location"] == f"{PAGE}/{account.pk}/revoke"
    account.refresh_from_db()
    assert not account.revoked


def test_the_page_of_a_strategy_says_that_its_account_is_revoked(browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice)
    browser.post(f"{PAGE}/{live.account_id}/revoke")
    page = browser.get(f"/dashboard/live-trading/{live.pk}").content.decode()
    assert "is revoked" in page
    assert "press Start" not in page


def test_the_states_of_a_test(browser: Client, alice: User, broker: KeyedBroker) -> None:
    account = add(alice)
    assert [row.lost for row in rows(browser)] == [True]  # it was asked for in the past
    ConnectionTest.objects.update(state="failed", problem="No answer at all.", finished_at="2026-01-05T12:00Z")
    assert "No answer at all." in browser.get(PAGE).content.decode()
    ConnectionTest.objects.all().delete()
    assert [row.connection.value for row in rows(browser)] == ["untested"]
    BrokerAccount.objects.filter(pk=account.pk).update(state="blocked", state_reason="Trading is blocked.")
    page = browser.get(PAGE)
    assert page.context["rows"][0].connection.value == "blocked"
    assert "Trading is blocked." in page.content.decode()


def test_what_is_held_outside_is_named_and_counted() -> None:
    def outside(*symbols: str, count: int) -> str:
        held = [{"symbol": symbol, "quantity": "2.5"} for symbol in symbols]
        test = ConnectionTest(state="passed", report={"outside": held, "outside_count": count})
        return AccountRow(BrokerAccount(), test, 0, under_way=False).outside

    assert outside("TSLA", "NVDA", count=2) == "TSLA 2.5, NVDA 2.5"
    assert outside("TSLA", count=1_201) == "TSLA 2.5 and 1,200 more"
    assert outside(count=0) == AccountRow(BrokerAccount(), None, 0, under_way=False).outside == ""


# --- Access ----------------------------------------------------------------------------------------------------

ACTIONS = ["test", "activate", "rename", "keys", "revoke"]


@pytest.mark.parametrize("action", ACTIONS)
def test_only_the_owner_reaches_an_account(alice: User, bob: User, charlies_browser: Client, action: str) -> None:
    account = add(alice)
    url, bobs = f"{PAGE}/{account.pk}/{action}", fresh(bob)
    before = BrokerAccount.objects.values().get()
    assert bobs.post(url, {"name": "Taken", **FORM}).status_code == 404
    assert charlies_browser.post(url, FORM)["Location"].startswith("/accounts/login/")
    if action in ("rename", "keys", "revoke"):
        assert bobs.get(url).status_code == 404
        assert charlies_browser.get(url)["Location"].startswith("/accounts/login/")
    else:
        assert bobs.get(url).status_code == 405
    assert BrokerAccount.objects.values().get() == before


def test_the_list_has_only_the_accounts_of_the_user(
    alice: User, alices_browser: Client, bobs_browser: Client, charlies_browser: Client
) -> None:
    add(alice)
    assert (len(rows(alices_browser)), rows(bobs_browser)) == (1, [])
    assert "KEY1" not in bobs_browser.get(PAGE).content.decode()
    for url in (PAGE, ADD):
        assert charlies_browser.get(url)["Location"].startswith("/accounts/login/")


def test_keys_need_a_password_that_was_just_typed(
    alices_browser: Client, alice: User, broker: KeyedBroker
) -> None:
    account = add(alice)
    for url in (ADD, f"{PAGE}/{account.pk}/keys"):
        assert alices_browser.post(url, FORM)["Location"] == url
        assert alices_browser.get(url)["Location"].startswith("/accounts/reauthenticate/")
    assert BrokerAccount.objects.count() == 1
    run(account)
    assert alices_browser.get(f"{PAGE}/{account.pk}/revoke")["Location"].startswith("/accounts/reauthenticate/")
    alices_browser.post(f"{PAGE}/{account.pk}/revoke")
    to_page = "/accounts/reauthenticate/?next=%2Fsettings%2Fbrokers"
    assert alices_browser.post(f"{PAGE}/{account.pk}/activate")["Location"] == to_page
    account.refresh_from_db()
    assert (account.revoked, account.active) == (False, False)
    # What was typed is kept nowhere meanwhile.
    assert KEYS.secret not in str(dict(alices_browser.session))


def test_a_kind_that_does_not_exist(browser: Client) -> None:
    assert browser.get(f"{PAGE}/add/saxo").status_code == 404


def test_the_number_of_queries_does_not_depend_on_the_number_of_accounts(
    alice: User, alices_browser: Client
) -> None:
    counts = []
    for number in (1, MOST - 2):
        for _ in range(number):
            make_live_strategy(user=alice, account=add(alice))
        for url in (PAGE, "/api/v1/broker-accounts"):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert alices_browser.get(url).status_code == 200
            counts.append(len(queries))
    assert counts[:2] == counts[2:]
