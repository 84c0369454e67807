"""A planted key is in no page, answer, log, error, metric, record or dump; only its last four characters are."""

import logging
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from livetrading.credentials import store_credentials
from livetrading.models import BrokerAccount, ConnectionTest
from livetrading.services import broker_accounts
from livetrading.services.broker_accounts import replace_keys, request_test, revoke_account
from tests.api.client import ApiClient
from tests.livetrading.factories import WALL, make_live_strategy
from tests.livetrading.keyed_broker import KEYS, OTHER_KEYS, KeyedBroker, report, run, use
from tests.livetrading.test_broker_accounts_page import ADD, FORM, PAGE, fresh
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord
from tradedesk.monitoring.scrubbing import without_learned

PLANTED = (KEYS.key_id, KEYS.secret, OTHER_KEYS.key_id, OTHER_KEYS.secret)
# The number of the account is no secret, but not shown either.
NUMBER = "PA3000001234"
API = "/api/v1/broker-accounts"


@pytest.fixture
def broker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> KeyedBroker:
    return use(settings, monkeypatch)


def test_they_are_nowhere(
    alice: User,
    admin_client: Client,
    broker: KeyedBroker,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    browser, api = fresh(alice), ApiClient(alice)
    answers: list[Any] = [
        browser.post(ADD, FORM).content.decode(),
        browser.post(ADD, FORM | {"name": ""}).content.decode(),
        api.post(API, {"broker": "alpaca", "mode": "live", "name": "", **_keys(KEYS)}).json,
        api.post("/api/configure", {"broker": "alpaca", "mode": "live", "name": "L", **_keys(OTHER_KEYS)}).json,
    ]
    account, live = BrokerAccount.objects.order_by("pk")
    broker.accounts[OTHER_KEYS.key_id] = report()
    for tested in (account, live):
        run(tested)
    make_live_strategy(user=alice, account=account)
    for failure in (None, RuntimeError(f"{KEYS.secret} in {KEYS!r}"), ValueError(KEYS.key_id)):
        broker.failure = failure
        request_test(account, by=alice, wall_now=WALL)
        run(account)
        answers += _seen(browser, admin_client, api, account)
    broker.failure = None
    replace_keys(account, OTHER_KEYS, by=alice, wall_now=WALL)
    answers += _seen(browser, admin_client, api, account)
    call_command("dumpdata", output=str(tmp_path / "dump.json"))
    dump = (tmp_path / "dump.json").read_text()
    records = str(list(AuditRecord.objects.values()))
    revoke_account(live, by=alice, wall_now=WALL)
    answers.append(browser.get(PAGE).content.decode())
    written = [*map(str, answers), caplog.text, *capfd.readouterr(), records]
    assert not [secret for secret in PLANTED for text in (*written, dump) if secret in text]
    assert not [text for text in written if NUMBER in text]
    # The ciphertext is in the database alone.
    account.refresh_from_db()
    stored = (account.credentials, ConnectionTest.objects.get(account=account).new_credentials)
    assert all(text in dump for text in stored)
    assert not [text for text in written for secret in stored if secret in text]
    # The end of the key is what the owner knows it by.
    assert "KEY1" in written[0] or "KEY1" in " ".join(written)


def _keys(keys: Any) -> dict[str, str]:
    return {"key_id": keys.key_id, "secret": keys.secret}


def _seen(browser: Client, operator: Client, api: ApiClient, account: BrokerAccount) -> list[Any]:
    test = ConnectionTest.objects.get(account=account)
    admin = "/admin/livetrading"
    own = [
        PAGE,
        *(f"{PAGE}/{account.pk}/{page}" for page in ("keys", "rename", "revoke")),
        "/dashboard/live-trading",
    ]
    operators = [
        f"{admin}/brokeraccount/",
        f"{admin}/brokeraccount/{account.pk}/change/",
        f"{admin}/connectiontest/",
        f"{admin}/connectiontest/{test.pk}/change/",
        "/admin/audit/auditrecord/",
        "/metrics",
    ]
    pages = [*((browser, url) for url in own), *((operator, url) for url in operators)]
    shown = [client.get(url) for client, url in pages]
    assert {response.status_code for response in shown} == {200}, [
        (r.request["PATH_INFO"], r.status_code) for r in shown
    ]
    return [*(response.content.decode() for response in shown), api.get(API).json, api.get("/api/health").json]


@pytest.mark.parametrize("way", ["page", "api"])
def test_an_error_of_the_desk_does_not_report_them(
    alice: User, way: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the message of the error quotes them: the log is scrubbed of what the desk has stored or read."""

    def fail(account: BrokerAccount, credentials: Any) -> None:
        store_credentials(account, credentials)
        raise RuntimeError(f"cannot store {credentials.secret} of {credentials!r}")

    monkeypatch.setattr(broker_accounts, "store_credentials", fail)
    if way == "page":
        browser = fresh(alice)
        browser.raise_request_exception = False
        answer = browser.post(ADD, FORM)
        assert (answer.status_code, KEYS.secret in answer.content.decode()) == (500, False)
    else:
        body = {"broker": "alpaca", "mode": "paper", "name": "A", **_keys(KEYS)}
        response = ApiClient(alice).post(API, body)
        assert (response.status, KEYS.secret in str(response.json)) == (500, False)
    assert "cannot store" in caplog.text
    assert KEYS.secret not in without_learned(caplog.text)
    assert KEYS.key_id not in caplog.text
    assert not BrokerAccount.objects.exists()
