"""An operator halts and lifts chosen or all accounts in the admin, after one confirmation."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from livetrading.models import BrokerAccount, Halt
from livetrading.pipeline import direct
from tests.livetrading.factories import TODAY, WALL, account_of, at_day, make_order, make_paper_trade
from tradedesk.accounts.models import User
from tradedesk.marketdata.services import load_samples

LIST = "admin:livetrading_brokeraccount_changelist"


@pytest.fixture(autouse=True)
def _with_workers(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    load_samples(WALL)
    at_day(TODAY)
    monkeypatch.setattr(direct, "workers_work", lambda wall_now: True)


def operator(**fields: Any) -> Client:
    browser = Client()
    user = User.objects.create_user("operator@example.com", "x", is_staff=True, **fields)
    browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return browser


def send(browser: Client, action: str, accounts: list[BrokerAccount], **fields: Any) -> Any:
    form = {"action": action, "_selected_action": [account.pk for account in accounts], **fields}
    return browser.post(reverse(LIST), form)


@pytest.mark.parametrize(
    ("action", "halt"), [("stop_entries", "entries"), ("cancel_orders", "orders"), ("flatten", "flatten")]
)
def test_the_chosen_accounts_are_halted_after_the_confirmation(
    alice: User, bob: User, action: str, halt: str
) -> None:
    make_order(user=alice)
    make_paper_trade(user=alice)
    browser, chosen = operator(is_superuser=True), [account_of(alice)]
    account_of(bob)
    page = " ".join(send(browser, action, chosen).content.decode().split())
    assert "1 account with 1 working entry order and 1 open lot." in page
    assert not Halt.objects.exists()
    assert send(browser, action, chosen, confirmed="yes", reason="Fire.").status_code == 302
    found = Halt.objects.get()
    assert (found.account, found.action, found.reason) == (chosen[0], halt, "Fire.")
    assert found.requested_by == "the operator operator@example.com"


def test_all_accounts_are_halted_and_lifted_with_the_typed_word(alice: User, bob: User) -> None:
    browser, accounts = operator(is_superuser=True), [account_of(alice), account_of(bob)]
    everyone = {"select_across": "1", "confirmed": "yes"}
    send(browser, "stop_entries", accounts[:1], **everyone)
    assert Halt.objects.count() == 2
    for word, stopped in (("resume", 2), ("RESUME", 0)):
        send(browser, "lift_halt", accounts[:1], word=word, **everyone)
        assert BrokerAccount.objects.filter(entries_stopped_at__isnull=False).count() == stopped


def test_who_may_only_read_cannot_halt(alice: User) -> None:
    browser = operator()
    user = User.objects.get(email="operator@example.com")
    user.user_permissions.add(Permission.objects.get(codename="view_brokeraccount"))
    send(browser, "flatten", [account_of(alice)], confirmed="yes")
    assert not Halt.objects.exists()
    user.user_permissions.add(Permission.objects.get(codename="add_halt"))
    send(browser, "flatten", [account_of(alice)], confirmed="yes")
    assert Halt.objects.count() == 1


def test_a_trader_cannot(alice: User, bob: User, bobs_browser: Client, charlies_browser: Client) -> None:
    for browser in (bobs_browser, charlies_browser):
        assert send(browser, "flatten", [account_of(alice)], confirmed="yes").status_code == 302
    assert not Halt.objects.exists()
