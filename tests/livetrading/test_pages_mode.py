"""The switch on the pages: bar, banner, dialog, the forms of the other mode, and the mode in the address."""

import re
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, reverse
from pytest_django import Settings

from livetrading.models import BrokerAccount, LiveStrategy
from livetrading.urls import desk_patterns
from tests.conftest import PASSWORD
from tests.livetrading.factories import (
    NOW,
    TODAY,
    WALL,
    account_of,
    at_day,
    make_live_strategy,
    make_live_trade,
    make_strategy,
)
from tests.livetrading.reading import HOME, LIVE
from tests.livetrading.services.test_mode import verified
from tests.livetrading.test_broker_accounts_page import fresh
from tradedesk.accounts.models import Mode, User
from tradedesk.marketdata.services import load_samples

DIALOG, SWITCH = "/dashboard/mode/live", "/dashboard/mode"
FORM = {"mode": "live", "understood": "on", "word": "LIVE"}
# The views that take a form and do not trade, and the switch itself. Those of broker accounts name their mode.
# The replay is one for both, and examples trade nothing.
WITHOUT_MODE = {"sectors", "switch_mode", "events", "load_examples"}
WITHOUT_MODE |= {"replay_control", "replay_jump", "replay_restart"}
REFUSED = "Nothing was done: look at the page again"
# The forms that post to them.
FORMS_WITHOUT_MODE = {"_sectors.html", "_mode_switch.html", "_live_banner.html", "_go_live.html"}
FORMS_WITHOUT_MODE |= {"_replay_menu.html", "_load_examples.html"}


@pytest.fixture(autouse=True)
def _desk(db: None, settings: Settings) -> None:
    settings.LIVE_NEEDS_SECOND_FACTOR = False
    load_samples(WALL)
    at_day(TODAY)


@pytest.fixture
def in_live_mode(alice: User) -> BrokerAccount:
    account = verified(alice)
    alice.mode, alice.first_live_at = Mode.LIVE, WALL
    alice.save()
    return account


def confirmed(browser: Client, **changes: str | None) -> dict[str, str]:
    """The form of the dialog as it is now, filled in; a change to None leaves the field out."""
    form = FORM | {"shown": browser.get(DIALOG).context["switch"].digest} | changes
    return {name: value for name, value in form.items() if value is not None}


def text_of(browser: Client, url: str, **headers: str) -> str:
    return " ".join(browser.get(url, headers=headers).content.decode().split())


def mode_of(user: User) -> str:
    return User.objects.get(pk=user.pk).mode


# --- The bar, the banner and the footer of every page ----------------------------------------------------------


@pytest.mark.parametrize("url", [HOME, "/dashboard/strategies", "/dashboard/backtests", "/trades"])
def test_every_page_shows_the_mode(alice: User, alices_browser: Client, url: str) -> None:
    page = text_of(alices_browser, url)
    assert ('data-mode="paper"' in page, 'class="live-banner"' in page) == (True, False)
    assert f'hx-get="{DIALOG}"' in page
    verified(alice)
    make_live_strategy(user=alice, mode=Mode.LIVE)
    alice.mode = Mode.LIVE
    alice.save()
    for page in (text_of(alices_browser, url), text_of(alices_browser, reverse("accounts:status"))):
        assert 'data-mode="live"' in page
        assert 'class="live-banner"' in page
        assert "1 strategy may trade" in page
        assert 'name="mode" value="paper"' in page


def test_the_broker_stands_beside_the_switch(alice: User, alices_browser: Client) -> None:
    status = reverse("accounts:status")
    assert "Not open" in text_of(alices_browser, status)
    account = account_of(alice)
    for state in BrokerAccount.State:
        BrokerAccount.objects.filter(pk=account.pk).update(state=state, state_reason="Out <of> order")
        bar = text_of(alices_browser, status)
        assert (account.name in bar, state.label in bar, "Out &lt;of&gt; order" in bar) == (True,) * 3
    User.objects.update(mode=Mode.LIVE)
    assert "No account" in text_of(alices_browser, status)


def test_charlie_sees_no_switch(charlies_browser: Client) -> None:
    page = text_of(charlies_browser, "/accounts/login/")
    assert ("data-mode" in page, "mode-switch" in page, "site-foot" in page) == (False,) * 3
    for url in (DIALOG, SWITCH):
        assert charlies_browser.post(url, FORM)["Location"].startswith("/accounts/login/")


# --- The dialog and the switch ---------------------------------------------------------------------------------


def test_the_dialog_says_what_would_trade(alice: User, alices_browser: Client) -> None:
    account = verified(alice)
    BrokerAccount.objects.filter(pk=account.pk).update(
        equity=Decimal("25842.18"), buying_power=Decimal("43787.21"), number="1234824821", snapshot_at=NOW
    )
    trading = make_live_strategy(user=alice, mode=Mode.LIVE, name="Fast <averages>", position_size_pct=0.06)
    make_live_trade(user=alice, live_strategy=trading)
    make_live_strategy(user=alice, mode=Mode.LIVE, name="Resting", status=LiveStrategy.Status.PAUSED)
    make_live_strategy(user=alice, mode=Mode.LIVE, name="Over", status=LiveStrategy.Status.STOPPED)
    make_live_strategy(user=alice, name="On paper")
    page, fragment = text_of(alices_browser, DIALOG), text_of(alices_browser, DIALOG, HX_Request="true")
    assert ("<html" in page, "<html" in fragment) == (True, False)
    for text in (page, fragment):
        for expected in ("$25,842.18", "$43,787.21", "••4821", "Fast &lt;averages&gt;", "$1,550.53", "6.00%"):
            assert expected in text
        assert "May trade" in text
        assert "The strategy is paused." in text
        assert "1 of 2 live strategies may trade." in text
        assert "1 paper strategy may not." in text
        assert "Over" not in text
        assert ('name="understood"' in text, 'name="word"' in text) == (True, True)
    User.objects.update(first_live_at=WALL)
    assert 'name="word"' not in text_of(alices_browser, DIALOG)


def test_the_dialog_counts_all_live_accounts_and_the_banner_agrees(
    alice: User, alices_browser: Client, in_live_mode: BrokerAccount
) -> None:
    second = BrokerAccount.objects.create(
        user=alice, broker="other", mode="live", name="Second", active=False, equity=Decimal("1234.5")
    )
    make_live_strategy(user=alice, mode=Mode.LIVE, name="First")
    other = make_live_strategy(user=alice, account=second, name="Other", max_positions=5)
    trade = make_live_trade(user=alice, live_strategy=other)
    type(trade).objects.filter(pk=trade.pk).update(account=second)
    for stopped, may in ((None, 2), (NOW, 1)):
        BrokerAccount.objects.filter(pk=second.pk).update(entries_stopped_at=stopped)
        User.objects.update(mode=Mode.PAPER)
        page = text_of(alices_browser, DIALOG)
        assert f"{may} of 2 live strategies may trade." in page
        assert ("1 of 5" in page, "$1,234.50" in page) == (True, True)
        User.objects.update(mode=Mode.LIVE)
        assert f"{may} strateg{'ies' if may == 2 else 'y'} may trade" in text_of(alices_browser, HOME)


def test_without_keys_or_second_factor_the_dialog_says_what_is_missing(
    alice: User, alices_browser: Client, settings: Settings
) -> None:
    page = text_of(alices_browser, DIALOG)
    assert ("no verified live keys" in page, 'name="understood"' in page) == (True, False)
    verified(alice)
    settings.LIVE_NEEDS_SECOND_FACTOR = True
    page = text_of(alices_browser, DIALOG)
    assert ("/settings/security" in page, 'name="understood"' in page) == (True, False)
    alices = fresh(alice)
    alices.post(SWITCH, confirmed(alices))
    assert mode_of(alice) == "paper"


def test_the_dialog_shows_nothing_of_others(alice: User, bob: User) -> None:
    bobs_browser = fresh(bob)
    verified(alice)
    make_live_strategy(user=alice, mode=Mode.LIVE, name="Alice's own")
    page = text_of(bobs_browser, DIALOG)
    assert ("Alice" in page, "Live account" in page) == (False, False)
    bobs_browser.post(SWITCH, confirmed(bobs_browser))
    assert set(User.objects.values_list("mode", flat=True)) == {"paper"}


def test_the_queries_of_the_dialog_do_not_grow(alice: User, alices_browser: Client) -> None:
    verified(alice)
    counts = []
    for _ in range(2):
        for _ in range(3):
            live = make_live_strategy(user=alice, mode=Mode.LIVE)
            make_live_trade(user=alice, live_strategy=live)
        with CaptureQueriesContext(connection) as queries:
            alices_browser.get(DIALOG, headers={"HX-Request": "true"})
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_to_live_and_back_by_the_forms(alice: User) -> None:
    browser = fresh(alice)
    verified(alice)
    make_live_strategy(user=alice, mode=Mode.LIVE)
    there = {"Referer": "http://testserver/trades"}
    response = browser.post(SWITCH, confirmed(browser), headers=there)
    assert (response.status_code, response["Location"], mode_of(alice)) == (
        302,
        "http://testserver/trades",
        "live",
    )
    browser.post(SWITCH, {"mode": "paper"}, headers=there)
    assert mode_of(alice) == "paper"
    said = text_of(browser, "/trades")
    assert "Exits and the protection of live positions go on." in said
    # From now on the box is enough. From the page of the dialog it goes home.
    from_dialog = {"Referer": f"http://testserver{DIALOG}"}
    response = browser.post(SWITCH, confirmed(browser, word=None), headers=from_dialog)
    assert (response["Location"], mode_of(alice)) == (HOME, "live")


@pytest.mark.parametrize("missing", ["understood", "word", "shown"])
def test_a_form_without_a_confirmation_switches_nothing(alice: User, missing: str) -> None:
    browser = fresh(alice)
    verified(alice)
    response = browser.post(SWITCH, confirmed(browser, **{missing: None}))
    assert (response["Location"], mode_of(alice)) == (DIALOG, "paper")


def test_what_was_shown_is_confirmed_and_nothing_else(alice: User) -> None:
    """Money moves on while somebody reads; what may trade does not."""
    browser, account = fresh(alice), verified(alice)
    live = make_live_strategy(user=alice, mode=Mode.LIVE)
    shown = confirmed(browser)
    make_live_strategy(user=alice, mode=Mode.LIVE)
    assert browser.post(SWITCH, shown)["Location"] == DIALOG
    assert (mode_of(alice), "has changed since" in text_of(browser, DIALOG)) == ("paper", True)
    shown = confirmed(browser)
    LiveStrategy.objects.filter(pk=live.pk).update(status=LiveStrategy.Status.PAUSED)
    browser.post(SWITCH, shown)
    assert mode_of(alice) == "paper"
    shown = confirmed(browser)
    BrokerAccount.objects.filter(pk=account.pk).update(equity=Decimal(7))
    browser.post(SWITCH, shown)
    assert mode_of(alice) == "live"


def test_live_mode_needs_a_fresh_password_and_paper_none(alice: User, alices_browser: Client) -> None:
    verified(alice)
    asked = alices_browser.post(SWITCH, confirmed(alices_browser))["Location"]
    assert (asked, mode_of(alice)) == (f"/accounts/reauthenticate/?next={quote(DIALOG, safe='')}", "paper")
    assert alices_browser.post(asked, {"password": PASSWORD})["Location"] == DIALOG
    alices_browser.post(SWITCH, confirmed(alices_browser))
    assert mode_of(alice) == "live"
    session = alices_browser.session
    session["account_authentication_methods"] = []
    session.save()
    alices_browser.post(SWITCH, {"mode": "paper"})
    assert mode_of(alice) == "paper"


def test_an_unknown_mode_is_a_bad_request_and_get_switches_nothing(alices_browser: Client) -> None:
    for form in ({}, {"mode": "real"}):
        assert alices_browser.post(SWITCH, form).status_code == 400
    assert alices_browser.get(SWITCH, FORM).status_code == 405


def test_the_switch_needs_its_csrf_token(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert browser.post(SWITCH, {"mode": "paper"}).status_code == 403


# --- Forms of the other mode -----------------------------------------------------------------------------------


def posting(pattern: URLPattern) -> str:
    """The address of a view, for objects that do not exist."""
    examples = {"pk": 999_999, "account_id": 999_999, "symbol": "AAPL", "timeframe": "1Day", "kind": "positions"}
    examples["mode"] = "paper"
    examples["entry_id"] = "00000000-0000-0000-0000-000000000001"
    if "uuid:pk" in str(pattern.pattern):
        examples["pk"] = examples["entry_id"]
    given = {name: examples[name] for name in pattern.pattern.converters}
    return reverse(f"livetrading:{pattern.name}", kwargs=given)


def test_a_form_of_the_other_mode_is_refused(alices_browser: Client) -> None:
    """Before anything is looked up: with the mode of now the same request gets further."""
    back, refused = "/dashboard/notifications", set()
    for pattern in desk_patterns:
        name = str(pattern.name)
        if name in WITHOUT_MODE or name.startswith("broker"):
            continue
        url, headers = posting(pattern), {"Referer": f"http://testserver{back}"}
        other = alices_browser.post(url, {"shown_mode": "live"}, headers=headers)
        if other.status_code == 405:
            continue  # it takes no forms
        assert (other.status_code, other["Location"]) == (302, f"http://testserver{back}"), url
        assert REFUSED in text_of(alices_browser, back), url
        alices_browser.post(url, {"shown_mode": "paper"}, headers=headers)
        assert REFUSED not in text_of(alices_browser, back), url
        refused.add(name)
    assert len(refused) > 20
    assert {"deploy", "new", "halt", "close_position", "execute_signal", "start", "risk_rule"} <= refused


def test_htmx_gets_the_refusal_as_a_toast(alice: User, alices_browser: Client) -> None:
    live = make_live_strategy(user=alice)
    url = reverse("livetrading:pause", args=[live.pk])
    response = alices_browser.post(url, {"shown_mode": "live"}, headers={"HX-Request": "true"})
    assert (response.status_code, "toast" in response["HX-Trigger"]) == (204, True)
    live.refresh_from_db()
    assert live.status == "active"
    alices_browser.post(url, {"shown_mode": "paper"}, headers={"HX-Request": "true"})
    live.refresh_from_db()
    assert live.status == "paused"


def test_every_form_that_trades_has_the_field() -> None:
    """Without a database: a new form either has it or stands in the list above."""
    folder = Path(django_settings.BASE_DIR) / "templates" / "livetrading"
    without = set()
    for file in folder.glob("*.html"):
        for form in re.findall(r"<form\b.*?</form>", file.read_text(), re.DOTALL):
            if 'method="post"' in form and "{% shown_mode %}" not in form:
                without.add(file.name)
    assert {name for name in without if "broker" not in name} == FORMS_WITHOUT_MODE


@pytest.mark.usefixtures("in_live_mode")
def test_the_deploy_button_deploys_into_the_mode_that_it_says(alice: User, alices_browser: Client) -> None:
    strategy = make_strategy(user=alice)
    page = text_of(alices_browser, "/dashboard/strategies")
    assert "Deploy to Live · LIVE" in page
    assert 'name="shown_mode" value="live"' in page
    form = {"source": f"strategy:{strategy.pk}", "deploy_key": "k"}
    alices_browser.post(f"{LIVE}/deploy", form | {"shown_mode": "paper"})
    assert not LiveStrategy.objects.exists()
    deployed = alices_browser.post(f"{LIVE}/deploy", form | {"shown_mode": "live"}, follow=True)
    assert "Its orders use real money." in deployed.content.decode()
    assert [live.mode for live in alice.live_strategies.all()] == ["live"]


# --- The mode in the address -----------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [HOME, LIVE])
def test_where_the_address_differs_the_server_wins(alices_browser: Client, url: str) -> None:
    response = alices_browser.get(f"{url}?mode=live&page=2")
    assert (response.status_code, response["Location"]) == (302, f"{url}?mode=paper&page=2")
    for right in (url, f"{url}?mode=paper"):
        page = alices_browser.get(right)
        assert (page.status_code, 'data-address-mode="paper"' in page.content.decode()) == (200, True)


def test_a_form_of_another_account_is_refused(
    alice: User, alices_browser: Client, in_live_mode: BrokerAccount
) -> None:
    """A deployment and a new rule go to the account that the page showed."""
    strategy = make_strategy(user=alice, symbols=["AAPL"])
    field = f'name="shown_account" value="{in_live_mode.pk}"'
    rule = f"{reverse('livetrading:risk_rules')}/add/order_value"
    deploy = {"source": f"strategy:{strategy.pk}", "deploy_key": "k"}
    pages = (f"{HOME}/strategies/{strategy.pk}", f"{LIVE}/new?source=strategy:{strategy.pk}", rule)
    assert [text_of(alices_browser, page).count(field) for page in pages] == [1, 1, 1]
    BrokerAccount.objects.filter(pk=in_live_mode.pk).update(active=False)
    second = BrokerAccount.objects.create(
        user=alice, broker="other", mode="live", name="Second", verified_at=WALL, equity=Decimal(100_000)
    )
    shown = {"shown_mode": "live", "shown_account": str(in_live_mode.pk)}
    for url, form in ((f"{LIVE}/deploy", deploy), (rule, {"limit": "3"})):
        response = alices_browser.post(url, form | shown, follow=True)
        assert any(REFUSED in str(message) for message in response.context["messages"])
    assert (LiveStrategy.objects.exists(), second.rules.exists()) == (False, False)
    alices_browser.post(f"{LIVE}/deploy", deploy | shown | {"shown_account": str(second.pk)})
    assert LiveStrategy.objects.get().account == second
