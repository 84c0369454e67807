"""The approval inbox on the live trading page: who sees it and who may press its buttons."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from livetrading.models import LiveStrategy, Order, SignalHistory
from tests.livetrading.factories import NOW, TODAY, at_day, make_live_strategy, make_signal
from tradedesk.accounts.models import User

PAGE = "/dashboard/live-trading"


@pytest.fixture
def signal(alice: User) -> SignalHistory:
    at_day(TODAY)
    return one(make_live_strategy(user=alice, auto_execute=False))


def one(live: LiveStrategy, **fields: object) -> SignalHistory:
    waits = {"outcome": "recorded", "reason": "", "waits_until": NOW + timedelta(hours=1)}
    return make_signal(live_strategy=live, **(waits | fields))


def test_the_owner_sees_it_with_its_buttons(signal: SignalHistory, alices_browser: Client) -> None:
    for page in (PAGE, f"{PAGE}/{signal.live_strategy_id}"):
        body = alices_browser.get(page).content.decode()
        assert f'action="/signals/{signal.pk}/execute"' in body
        assert f'action="/signals/{signal.pk}/dismiss"' in body


def test_what_does_not_wait_is_not_shown(signal: SignalHistory, alices_browser: Client) -> None:
    SignalHistory.objects.update(waits_until=NOW - timedelta(seconds=1))
    one(signal.live_strategy, symbol="MSFT", outcome="refused")
    one(signal.live_strategy, symbol="IBM", side="sell")
    assert "approvals-heading" not in alices_browser.get(PAGE).content.decode()


def test_dismiss_ends_the_wait(signal: SignalHistory, alices_browser: Client) -> None:
    assert alices_browser.post(f"/signals/{signal.pk}/dismiss").status_code == 302
    signal.refresh_from_db()
    assert signal.code == "dismissed"


def test_execute_says_why_there_is_no_order(signal: SignalHistory, alices_browser: Client) -> None:
    response = alices_browser.post(f"/signals/{signal.pk}/execute", follow=True)
    assert response.status_code == 200
    assert "was not executed" in response.content.decode()
    assert not Order.objects.exists()
    signal.refresh_from_db()
    assert signal.refusal
    for page in (PAGE, f"{PAGE}/{signal.live_strategy_id}", "/signals"):
        assert escape(signal.refusal) in alices_browser.get(page).content.decode()


@pytest.mark.parametrize("action", ["execute", "dismiss"])
def test_others_cannot_press(
    signal: SignalHistory, bobs_browser: Client, charlies_browser: Client, alices_browser: Client, action: str
) -> None:
    address = f"/signals/{signal.pk}/{action}"
    assert bobs_browser.post(address).status_code == 404
    assert charlies_browser.post(address).headers["Location"].startswith("/accounts/login/")
    assert alices_browser.get(address).status_code == 405
    assert SignalHistory.objects.get().outcome == "recorded"


def test_the_number_of_queries_does_not_depend_on_the_signals(
    signal: SignalHistory, alices_browser: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def queries() -> int:
        with django_assert_max_num_queries(99) as counted:
            alices_browser.get(PAGE, headers={"HX-Request": "true"})
        return len(counted)

    few = queries()
    for symbol in ("MSFT", "IBM", "GOOG"):
        one(signal.live_strategy, symbol=symbol)
    assert queries() == few
