"""Broker accounts in the API: add, test, activate, revoke, and the short way."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from livetrading.models import BrokerAccount, ConnectionTest
from tests.api.client import ApiClient, field_messages
from tests.conftest import PASSWORD
from tests.livetrading.factories import make_order
from tests.livetrading.keyed_broker import KEYS, KeyedBroker, add, add_verified, run, use
from tradedesk.accounts.models import User

ACCOUNTS, CONFIGURE = "/api/v1/broker-accounts", "/api/configure"
BODY = {"broker": "alpaca", "mode": "paper", "name": "Mine", "key_id": KEYS.key_id, "secret": KEYS.secret}


@pytest.fixture
def broker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> KeyedBroker:
    return use(settings, monkeypatch)


def listed(client: ApiClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(ACCOUNTS).json["items"]
    return items


def test_the_life_of_an_account(alices: ApiClient, alice: User, broker: KeyedBroker) -> None:
    response = alices.post(ACCOUNTS, BODY)
    assert response.status == 201
    added = response.json
    assert (added["connection"], added["active"], added["key"], added["number"]) == (
        "testing",
        False,
        "KEY1",
        None,
    )
    assert (added["test"]["state"], added["test"]["report"]) == ("queued", None)
    one = f"{ACCOUNTS}/{added['id']}"
    assert alices.post(f"{one}/activate").status == 409
    run(BrokerAccount.objects.get())
    (tested,) = listed(alices)
    assert (tested["connection"], tested["number"], tested["test"]["state"]) == ("connected", "1234", "passed")
    assert (tested["test"]["report"]["buying_power"], tested["test"]["report"]["shorting"]) == ("50000", True)
    assert alices.post(f"{one}/activate").json["active"] is True
    assert alices.post(f"{one}/test").json["test"]["state"] == "queued"
    assert alices.send("DELETE", one).status == 204
    assert listed(alices) == []
    assert alices.send("DELETE", one).status == 404
    assert alices.post(f"{one}/test").status == 404


def test_the_short_way_adds_tests_and_activates(alices: ApiClient, alice: User, broker: KeyedBroker) -> None:
    assert alices.post(CONFIGURE, BODY | {"mode": "live"}).json["active"] is False
    run(BrokerAccount.objects.get())
    (account,) = listed(alices)
    assert (account["active"], account["mode"]) == (True, "live")


def test_a_simulation_works_at_once(alices: ApiClient) -> None:
    body = {"broker": "paper", "mode": "paper", "name": "Mine"}
    added = alices.post(ACCOUNTS, body).json
    assert (added["connection"], added["active"], added["key"], added["test"]) == ("connected", True, None, None)
    assert alices.post(f"{ACCOUNTS}/{added['id']}/test").status == 409


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"broker": "saxo"}, "broker"),
        ({"mode": "real"}, "mode"),
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"key_id": None}, "key_id"),
        ({"secret": ""}, "secret"),
        ({"secret": "x" * 501}, "secret"),
        ({"secret": 12345678901234567890}, "secret"),
        ({"password": "x"}, "password"),
    ],
)
@pytest.mark.parametrize("path", [ACCOUNTS, CONFIGURE])
def test_a_wrong_value_is_refused_at_its_field(
    alices: ApiClient, path: str, changes: dict[str, Any], field: str
) -> None:
    response = alices.post(path, BODY | changes)
    assert set(field_messages(response)) == {field}
    assert KEYS.secret not in str(response.json)
    assert not BrokerAccount.objects.exists()


def test_an_account_with_orders_at_work_is_not_revoked(alices: ApiClient, alice: User) -> None:
    account = make_order(user=alice).account
    response = alices.send("DELETE", f"{ACCOUNTS}/{account.pk}")
    assert (response.status, type(response.json["detail"])) == (409, str)


def test_a_test_that_no_worker_has_run_is_lost(alices: ApiClient, alice: User) -> None:
    add(alice)  # in the past
    assert listed(alices)[0]["test"]["state"] == "lost"
    assert listed(alices)[0]["connection"] == "failed"
    ConnectionTest.objects.update(state="failed", problem="No.")
    assert listed(alices)[0]["test"]["problem"] == "No."


def test_in_a_browser_that_was_left_open_keys_need_the_password(
    alice: User, alices_browser: Client, broker: KeyedBroker
) -> None:
    account = add_verified(alice, activate=False)
    one = f"{ACCOUNTS}/{account.pk}"

    def statuses() -> list[int]:
        sent = [
            (alices_browser.post, ACCOUNTS, BODY | {"key_id": ""}),
            (alices_browser.post, CONFIGURE, BODY | {"key_id": ""}),
            (alices_browser.post, "/api/mode", {"mode": "live"}),
            (alices_browser.post, "/api/mode", {"mode": "paper"}),
            (alices_browser.post, f"{one}/activate", None),
            (alices_browser.delete, one, None),
        ]
        return [send(path, body, content_type="application/json").status_code for send, path, body in sent]

    assert statuses() == [403, 403, 403, 200, 403, 403]
    alices_browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert statuses() == [422, 422, 400, 200, 200, 204]
