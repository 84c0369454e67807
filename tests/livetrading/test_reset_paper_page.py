"""Resetting the paper account: the page and the endpoint."""

from django.test import Client
from django.urls import reverse

from livetrading.models import BrokerAccount
from tests.api.client import ApiClient, field_messages
from tests.livetrading.factories import TODAY, account_of, at_day, make_desk_rows
from tradedesk.accounts.models import User

PAGE = "/settings/reset-paper"
SURE = {"balance": "50000", "confirmed": "on"}


def archives(user: User) -> int:
    return BrokerAccount.objects.filter(user=user).exclude(archived_at=None).count()


def test_the_page_says_with_numbers_what_it_does_and_does_it_once_it_is_confirmed(
    alice: User, alices_browser: Client
) -> None:
    at_day(TODAY)
    make_desk_rows(alice, 2)
    plan = alices_browser.get(PAGE).context["plan"]
    assert (plan.strategies, plan.running, plan.trades, plan.positions, plan.orders) == (2, 2, 4, 2, 4)
    for values, wrong in (({"balance": "50000"}, "confirmed"), ({**SURE, "balance": "1"}, "balance")):
        response = alices_browser.post(PAGE, values)
        assert (response.status_code, list(response.context["form"].errors)) == (422, [wrong])
    assert archives(alice) == 0
    assert alices_browser.post(PAGE, SURE).headers["Location"] == reverse("livetrading:brokers")
    assert (archives(alice), account_of(alice).cash) == (1, 50_000)
    assert alices_browser.post(PAGE, SURE).status_code == 302
    assert archives(alice) == 1  # nothing was done since
    page = alices_browser.get(PAGE)
    assert [each.trade_count for each in page.context["archives"]] == [4]


def test_bob_and_charlie(alice: User, bobs_browser: Client, charlies_browser: Client) -> None:
    at_day(TODAY)
    make_desk_rows(alice, 1)
    response = bobs_browser.post(PAGE, SURE)
    assert (response.status_code, response.context["plan"].accounts) == (422, 0)
    assert charlies_browser.post(PAGE, SURE).status_code == 302
    assert charlies_browser.get(PAGE).headers["Location"].startswith(reverse("account_login"))
    assert archives(alice) == 0


def test_the_endpoint(alice: User, bob: User) -> None:
    at_day(TODAY)
    make_desk_rows(alice, 1)
    alices, url = ApiClient(alice), "/api/paper/reset"
    assert set(field_messages(alices.post(url, {"confirm": False}))) == {"confirm"}
    assert set(field_messages(alices.post(url, {"confirm": True, "balance": 5}))) == {"balance"}
    assert ApiClient(bob).post(url, {"confirm": True}).status == 409
    assert ApiClient(None).post(url, {"confirm": True}).status == 401
    response = alices.post(url, {"confirm": True, "balance": 25_000.5})
    assert (response.status, response.json["balance"], response.json["strategies"]) == (200, 25_000.5, 1)
    assert (archives(alice), account_of(alice).cash, alices.get("/api/paper/trades").json["count"]) == (
        1,
        account_of(alice).paper_account.starting_cash,
        0,
    )
