"""Stop trading: the button, the line and the menu on the pages, and Resume."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from livetrading.models import BrokerAccount, Halt
from livetrading.pipeline import direct
from livetrading.services.halt import advance, request
from tests.livetrading.factories import (
    NOW,
    TODAY,
    WALL,
    account_of,
    at_day,
    make_live_strategy,
    make_live_trade,
    make_order,
    make_paper_trade,
)
from tradedesk.accounts.models import User
from tradedesk.marketdata.services import load_samples

MENU, HALT, RESUME = "/dashboard/stop-trading", "/dashboard/stop-trading/halt", "/dashboard/stop-trading/resume"


@pytest.fixture(autouse=True)
def _with_workers(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    load_samples(WALL)
    at_day(TODAY)
    monkeypatch.setattr(direct, "workers_work", lambda wall_now: True)


def text_of(browser: Client, url: str = MENU, **headers: str) -> str:
    return " ".join(browser.get(url, headers=headers).content.decode().split())


def test_the_addresses() -> None:
    names = ("stop_trading", "halt", "resume")
    assert tuple(reverse(f"livetrading:{name}") for name in names) == (MENU, HALT, RESUME)


def test_the_menu_says_what_each_verb_will_do(alice: User, alices_browser: Client) -> None:
    make_order(user=alice, symbol="MSFT")
    make_paper_trade(user=alice)
    make_paper_trade(user=alice, symbol="IBM")
    for page in (text_of(alices_browser), text_of(alices_browser, HX_Request="true")):
        assert "Also cancels 1 working entry: buy 10 MSFT." in page
        assert "Also sells all 2 lots, $" in page
        assert "next bar" in page
        for action in Halt.Action:
            assert f'value="{action.value}"' in page
    assert "<html" not in text_of(alices_browser, **{"HX-Request": "true"})


@pytest.mark.parametrize("url", ["/dashboard", "/dashboard/strategies", "/dashboard/backtests", "/trades"])
def test_every_page_has_the_button_and_while_halted_the_line(
    alice: User, alices_browser: Client, url: str
) -> None:
    before = text_of(alices_browser, url)
    assert ('id="stop-button"' in before, "Trading is stopped by" in before) == (True, False)
    request(account_of(alice), "entries", by=alice, reason="A bad <day>.", now=NOW, wall_now=WALL)
    page = text_of(alices_browser, url)
    assert "Trading is stopped by alice@example.com: A bad &lt;day&gt;." in page
    assert "Trading is stopped by" in text_of(alices_browser, reverse("accounts:status"))


@pytest.mark.parametrize("action", list(Halt.Action))
def test_each_verb_is_one_press(alice: User, alices_browser: Client, action: str) -> None:
    make_order(user=alice)
    form = {"action": action, "confirmed": "on", "reason": "A bad day."}
    for _ in range(2):
        response = alices_browser.post(HALT, form, headers={"Referer": "http://testserver/trades"})
        assert (response.status_code, response["Location"]) == (302, "http://testserver/trades")
    halt = Halt.objects.get()
    assert (halt.action, halt.requested_by, halt.reason) == (action, "alice@example.com", "A bad day.")
    assert account_of(alice).entries_stopped


@pytest.mark.parametrize(
    "form", [{}, {"action": "all"}, {"action": "flatten"}, {"action": "orders", "reason": "x" * 301}]
)
def test_an_incomplete_form_stops_nothing(alice: User, alices_browser: Client, form: dict[str, str]) -> None:
    response = alices_browser.post(HALT, form, follow=True)
    assert [message.level_tag for message in response.context["messages"]] == ["error"]
    assert not Halt.objects.exists()


def test_the_state_shows_how_far_it_is_and_how_long_the_last_one_took(alice: User, alices_browser: Client) -> None:
    make_paper_trade(user=alice)
    make_paper_trade(user=alice, symbol="IBM")
    halt = request(account_of(alice), "flatten", by=alice, now=NOW, wall_now=WALL)
    advance(halt, 0, 1, "The sale of IBM was rejected.", NOW, WALL)
    page = text_of(alices_browser)
    assert "1 of 2 lots sold" in page
    assert "The sale of IBM was rejected." in page
    assert "1 of 2 lots sold" in text_of(alices_browser, "/dashboard")
    advance(halt, 0, 0, "", NOW, WALL.replace(second=7))
    assert "Finished after 7.0 s." in text_of(alices_browser)
    assert "took 7.0 s" in text_of(alices_browser)


def test_trading_goes_on_after_the_typed_word_alone(alice: User, alices_browser: Client) -> None:
    request(account_of(alice), "flatten", by=alice, now=NOW, wall_now=WALL)
    for form in ({}, {"confirm": "resume"}, {"confirm": "RESUM"}):
        assert alices_browser.post(RESUME, form).status_code == 302
        assert account_of(alice).entries_stopped
    assert alices_browser.post(RESUME, {"confirm": "RESUME"}).status_code == 302
    assert not account_of(alice).entries_stopped
    assert "Trading is stopped by" not in text_of(alices_browser, "/dashboard")


def test_what_an_operator_has_halted_the_user_does_not_lift(
    alice: User, bob: User, alices_browser: Client
) -> None:
    request(account_of(alice), "entries", by=bob, now=NOW, wall_now=WALL)
    page = text_of(alices_browser)
    assert ("Stopped by the operator bob@example.com" in page, f'action="{RESUME}"' in page) == (True, False)
    response = alices_browser.post(RESUME, {"confirm": "RESUME"}, follow=True)
    assert [message.level_tag for message in response.context["messages"]] == ["error"]
    assert account_of(alice).entries_stopped
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    assert f'action="{RESUME}"' in text_of(alices_browser)


def test_while_flattening_no_exit_can_be_cancelled(alice: User, alices_browser: Client) -> None:
    """Its row says why; an entry still can."""
    make_live_strategy(user=alice)
    trade = make_paper_trade(user=alice)
    sale = make_order(user=alice, purpose="exit", side="sell", opening_order=trade.opening_order)
    entry = make_order(user=alice, symbol="IBM")
    buttons = [reverse("livetrading:cancel_order", args=[order.pk]) for order in (sale, entry)]

    def offered() -> list[bool]:
        page = text_of(alices_browser, "/dashboard/live-trading?show=orders")
        return [button in page for button in buttons] + ["Being flattened" in page]

    assert offered() == [True, True, False]
    request(account_of(alice), "flatten", by=alice, now=NOW, wall_now=WALL)
    assert offered() == [False, True, True]


def test_it_concerns_the_account_of_the_mode(alice: User, alices_browser: Client) -> None:
    make_paper_trade(user=alice)
    make_live_trade(user=alice, symbol="IBM")
    alice.mode = "live"
    alice.save()
    assert "all 1 lot" in text_of(alices_browser)
    alices_browser.post(HALT, {"action": "entries"})
    assert list(BrokerAccount.objects.filter(entries_stopped_at=None).values_list("mode", flat=True)) == ["paper"]


def test_a_user_without_an_account_can_stop_and_one_without_a_broker_learns_why(
    alice: User, alices_browser: Client
) -> None:
    assert "No account yet" in text_of(alices_browser)
    alice.mode = "live"
    alice.save()
    response = alices_browser.post(HALT, {"action": "entries"}, follow=True)
    assert [message.level_tag for message in response.context["messages"]] == ["error"]
    alice.mode = "paper"
    alice.save()
    alices_browser.post(HALT, {"action": "entries"})
    assert account_of(alice).entries_stopped


def test_bob_stops_himself_and_charlie_nobody(alice: User, bobs_browser: Client, charlies_browser: Client) -> None:
    make_paper_trade(user=alice)
    bobs_browser.post(HALT, {"action": "flatten", "confirmed": "on"})
    bobs_browser.post(RESUME, {"confirm": "RESUME"})
    for url in (MENU, HALT, RESUME):
        response = charlies_browser.get(url) if url == MENU else charlies_browser.post(url, {"action": "entries"})
        assert (response.status_code, response["Location"].startswith("/accounts/login")) == (302, True)
    assert list(account_of(alice).halts.all()) == []
    assert 'id="stop-button"' not in text_of(charlies_browser, "/accounts/login/")


def test_methods_and_csrf(alice: User, alices_browser: Client) -> None:
    assert alices_browser.post(MENU).status_code == 405
    for url in (HALT, RESUME):
        assert alices_browser.get(url).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert strict.post(HALT, {"action": "entries"}).status_code == 403


def test_the_number_of_queries_is_constant(
    alice: User, bob: User, alices_browser: Client, bobs_browser: Client
) -> None:
    counts: list[Any] = []
    for user, browser, rows in ((alice, alices_browser, 1), (bob, bobs_browser, 20)):
        for _ in range(rows):
            make_order(user=user)
            make_paper_trade(user=user)
        request(account_of(user), "flatten", by=user, now=NOW, wall_now=WALL)
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(MENU).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def live_accounts(user: User) -> list[BrokerAccount]:
    """The active one, another one that its strategies still trade in, and a revoked one."""
    other = {"user": user, "broker": "other", "mode": "live", "active": False}
    return [
        account_of(user, "live"),
        BrokerAccount.objects.create(**other, name="Second <live>", verified_at=WALL),
        BrokerAccount.objects.create(**other, name="Revoked", revoked_at=WALL),
    ]


def test_it_stops_every_account_of_the_mode_and_says_which_are(alice: User, alices_browser: Client) -> None:
    active, second, _ = live_accounts(alice)
    trade = make_live_trade(user=alice)
    type(trade).objects.filter(pk=trade.pk).update(account=second)
    alice.mode = "live"
    alice.save()
    assert "all 1 lot" in text_of(alices_browser)
    request(second, "entries", by=alice, now=NOW, wall_now=WALL)
    assert "Trading of Second &lt;live&gt; is stopped by" in text_of(alices_browser, "/dashboard")
    alices_browser.post(HALT, {"action": "flatten", "confirmed": "on"})
    assert {halt.account_id for halt in Halt.objects.filter(action="flatten")} == {active.pk, second.pk}
    assert BrokerAccount.objects.filter(entries_stopped_at__isnull=False).count() == 2
    alices_browser.post(RESUME, {"confirm": "RESUME"})
    assert not BrokerAccount.objects.filter(entries_stopped_at__isnull=False).exists()


def test_real_money_is_stopped_from_paper_mode_too(alice: User, bob: User, alices_browser: Client) -> None:
    live, second, _ = live_accounts(alice)
    make_live_trade(user=alice)
    of_live = f"{MENU}?of=live"
    assert of_live in text_of(alices_browser)
    page = text_of(alices_browser, of_live)
    assert ("all 1 lot" in page, 'name="of" value="live"' in page) == (True, True)
    form = {"action": "flatten", "confirmed": "on", "shown_mode": "paper", "of": "live"}
    alices_browser.post(HALT, form)
    assert list(Halt.objects.order_by("pk").values_list("account", flat=True)) == [live.pk, second.pk]
    assert "stopped in 2 of 2" in text_of(alices_browser)
    request(second, "entries", by=bob, now=NOW, wall_now=WALL)
    page = text_of(alices_browser, of_live)
    assert ('id="operators-halt"' in page, f'action="{RESUME}"' in page) == (True, True)
    answer = alices_browser.post(RESUME, {"confirm": "RESUME", "of": "live"}, follow=True)
    assert [message.level_tag for message in answer.context["messages"]] == ["error"]
    for account, stopped in ((live, False), (second, True)):
        account.refresh_from_db()
        assert account.entries_stopped == stopped
