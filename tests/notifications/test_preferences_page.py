"""The settings of notifications: which events go where, and the channels."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tests.notifications.factories import NOW, WALL, make_channel, states, tell
from tradedesk.accounts.models import User
from tradedesk.encryption import Place
from tradedesk.keyring import keyring
from tradedesk.notifications import managing
from tradedesk.notifications.channels.guard import PRIVATE_ADDRESS
from tradedesk.notifications.channels.sending import NO_HTTPS
from tradedesk.notifications.events import Event
from tradedesk.notifications.managing import MOST, ChannelRefused, add_messenger
from tradedesk.notifications.models import Channel, Delivery, EventChoice
from tradedesk.notifications.services import notify

URL = "/settings/notifications"
CHANNELS = f"{URL}/channels"
ADD = f"{CHANNELS}/add"
TELEGRAM = "tgram://123456789:abcdefg_hijklmnop/4711/"
HOOK = "https://example.com/hooks/planted-secret-1234"


def wanted_of(page: str) -> set[str]:
    boxes = re.findall(r"<input\s[^>]*>", page)
    return {re.findall(r'value="([^"]*)"', box)[0] for box in boxes if 'name="wanted"' in box and "checked" in box}


def shown_of(page: str) -> list[str]:
    return re.findall(r'name="shown"\s+value="([^"]*)"', page)


def add(browser: Client, **fields: Any) -> Any:
    return browser.post(ADD, {"kind": "webhook", "name": "Hook", "address": HOOK} | fields)


# --- Choices ---------------------------------------------------------------------------------------------------


def test_at_first_the_events_decide(alices_browser: Client, alice: User) -> None:
    channel = make_channel(alice)
    wanted = wanted_of(alices_browser.get(URL).content.decode())
    assert {key for key in wanted if key.endswith(":inbox")} == {f"{event.value}:inbox" for event in Event}
    going_out = {f"{event.value}:{channel.pk}" for event in Event if event.goes_out}
    assert {key for key in wanted if key.endswith(str(channel.pk))} == going_out


def test_choices_are_saved_shown_and_followed(alices_browser: Client, alice: User, bob: User) -> None:
    channel, his = make_channel(alice), make_channel(bob)
    chosen = {"order_filled:inbox", f"deployed:{channel.pk}", f"halt:{his.pk}", "comet:inbox", "nonsense"}
    shown = shown_of(alices_browser.get(URL).content.decode())
    form = {"wanted": list(chosen), "shown": [*shown, str(his.pk), "nonsense"], "on_replay": [str(channel.pk)]}
    assert alices_browser.post(URL, form).status_code == 302
    wanted = wanted_of(alices_browser.get(URL).content.decode())
    always = {f"{event.value}:inbox" for event in Event if not event.can_be_muted}
    assert wanted == always | {"order_filled:inbox", f"deployed:{channel.pk}"}
    notify(alice, Event.HALT, "Text.", "", NOW)
    notify(alice, Event.DEPLOYED, "Text.", "", NOW)
    assert [row.notification.event for row in Delivery.objects.all() if row.notification] == ["deployed"]
    assert not EventChoice.objects.filter(user=bob).exists()


def test_only_what_differs_from_the_default_is_stored(alices_browser: Client, alice: User) -> None:
    make_channel(alice)
    page = alices_browser.get(URL).content.decode()
    alices_browser.post(URL, {"wanted": list(wanted_of(page)), "shown": shown_of(page)})
    assert not EventChoice.objects.exists()


def test_a_channel_that_the_page_did_not_have_keeps_its_choices(alices_browser: Client, alice: User) -> None:
    make_channel(alice)
    shown = shown_of(alices_browser.get(URL).content.decode())
    later = make_channel(alice, name="Later", on_replay=True)
    chosen = EventChoice.objects.create(user=alice, event="deployed", channel=later, wanted=True)
    alices_browser.post(URL, {"shown": shown})
    later.refresh_from_db()
    assert (later.on_replay, list(later.event_choices.all())) == (True, [chosen])


@pytest.mark.parametrize(("market", "kept"), [("replay", False), ("real", True)])
def test_the_replay_is_chosen_on_the_replay_market_alone(
    alices_browser: Client, alice: User, settings: Settings, market: str, kept: bool
) -> None:
    settings.MARKET = market
    channel, other = make_channel(alice, on_replay=True), make_channel(alice, name="Other", on_replay=False)
    assert ('name="on_replay"' in alices_browser.get(URL).content.decode()) == (market == "replay")
    alices_browser.post(URL, {"shown": [str(channel.pk), str(other.pk)], "on_replay": [str(other.pk)]})
    channel.refresh_from_db()
    assert channel.on_replay == kept


def test_the_number_of_queries_is_constant(alices_browser: Client, alice: User) -> None:
    counts = []
    for more in (1, MOST - 1):
        for number in range(more):
            channel = make_channel(alice, name=f"{more}-{number}")
            EventChoice.objects.create(user=alice, event="deployed", channel=channel, wanted=True)
            tell(alice)
        for url in (URL, CHANNELS):
            with CaptureQueriesContext(connection) as queries:
                alices_browser.get(url)
            counts.append(len(queries))
    assert counts[:2] == counts[2:]


# --- Adding ----------------------------------------------------------------------------------------------------


def test_a_webhook_is_stored_encrypted_and_its_key_is_shown_once(alices_browser: Client, alice: User) -> None:
    page = add(alices_browser)
    key = re.findall(r'id="new-key">([^<]+)<', page.content.decode())[0]
    assert "no-store" in page["Cache-Control"]
    channel = Channel.objects.get()
    place = Place(alice.pk, f"channel:{channel.pk}", "address")
    assert keyring().decrypt(channel.address, place) == HOOK
    assert keyring().decrypt(channel.signing_key, channel.place("signing_key")) == key
    later = alices_browser.get(URL).content.decode()
    assert "https://…1234" in later
    assert not any(secret in later for secret in (key, "planted-secret", channel.address, "example.com/hooks"))


def test_mail_goes_to_the_account_alone(alices_browser: Client, alice: User) -> None:
    assert add(alices_browser, kind="email", name="Mail", address="bob@example.com").status_code == 302
    channel = Channel.objects.get()
    assert (channel.kind, channel.address, channel.shown) == ("email", "", "")
    assert "alice@example.com" in alices_browser.get(CHANNELS).content.decode()
    assert add(alices_browser, kind="email", name="Again").status_code == 422


def test_a_messenger_is_checked_by_apprise(alices_browser: Client, alice: User) -> None:
    assert add(alices_browser, kind="apprise", address=TELEGRAM).status_code == 302
    assert Channel.objects.get().shown == "tgram://…711/"
    assert add(alices_browser, kind="apprise", address="syslog://").status_code == 422


def test_a_refused_messenger_leaves_nothing(alice: User) -> None:
    with pytest.raises(ChannelRefused, match="No\\."):
        add_messenger(alice, "Chat", "tgram://x", WALL, check=lambda address: ("", "No."))
    assert not Channel.objects.exists()


BAD = [
    ({"kind": "pigeon"}, "kind", "Select a valid choice"),
    ({"name": ""}, "name", "This field is required"),
    ({"name": "x" * 61}, "name", "at most 60"),
    ({"name": "a\u200bb"}, "name", "invisible character"),
    ({"address": ""}, "address", "Enter the address"),
    ({"address": "https://example.com/" + "x" * 2000}, "address", "at most 2000"),
    ({"address": "https://example.com/a b"}, "address", "no spaces"),
    ({"address": "http://example.com/"}, "address", NO_HTTPS),
    ({"address": "ftp://example.com/"}, "address", NO_HTTPS),
    ({"address": "https://"}, "address", NO_HTTPS),
    ({"address": "https://example.com:abc/"}, "address", "not valid"),
    ({"address": "https://[::1/"}, "address", "not valid"),
    ({"address": "https://localhost/"}, "address", PRIVATE_ADDRESS),
    ({"address": "https://169.254.169.254/latest"}, "address", PRIVATE_ADDRESS),
    ({"address": "https://redis:6379/"}, "address", PRIVATE_ADDRESS),
]


@pytest.mark.parametrize(("fields", "field", "message"), BAD)
def test_bad_input_is_refused_at_its_field(
    alices_browser: Client, fields: dict[str, str], field: str, message: str
) -> None:
    response = add(alices_browser, **fields)
    assert response.status_code == 422
    assert message in str(response.context["form"].errors[field])
    assert not Channel.objects.exists()


def test_the_operator_can_allow_the_own_network(alices_browser: Client, settings: Settings) -> None:
    settings.NOTIFY_PRIVATE_ADDRESSES = True
    assert add(alices_browser, address="http://192.168.1.7:8080/hook").status_code == 200


def test_a_user_has_ten_channels_at_most(alices_browser: Client, alice: User, bobs_browser: Client) -> None:
    for number in range(MOST):
        make_channel(alice, name=str(number))
    response = add(alices_browser)
    assert (response.status_code, alice.channels.count()) == (422, MOST)
    assert "which is the maximum" in response.content.decode()
    assert add(bobs_browser).status_code == 200


# --- Testing and deleting --------------------------------------------------------------------------------------


def test_a_test_is_put_into_the_outbox_and_its_result_is_shown(alices_browser: Client, alice: User) -> None:
    channel = make_channel(alice)
    for _ in range(2):  # a second press while it is under way
        assert alices_browser.post(f"{CHANNELS}/{channel.pk}/test").status_code == 302
    assert states() == ["pending"]
    assert "Under way" in alices_browser.get(CHANNELS).content.decode()
    Delivery.objects.update(state="failed", finished_at=WALL, last_error="The receiver answered with status 401.")
    assert "status 401" in alices_browser.get(CHANNELS).content.decode()


def test_a_failing_channel_says_why_and_since_when(alices_browser: Client, alice: User) -> None:
    make_channel(alice, failing_since=WALL, retry_at=WALL, last_error="The certificate is not valid.")
    shown = alices_browser.get(CHANNELS).content.decode()
    assert "Failing" in shown
    assert "2026-03-02 15:00 UTC: The certificate is not valid." in shown


def test_deleting_asks_first(alices_browser: Client, alice: User) -> None:
    channel = make_channel(alice)
    tell(alice)
    assert f'href="{CHANNELS}/{channel.pk}/delete"' in alices_browser.get(CHANNELS).content.decode()
    asked = alices_browser.get(f"{CHANNELS}/{channel.pk}/delete")
    assert (asked.status_code, asked.context["channel"], asked.context["channel"].waiting) == (200, channel, 1)
    assert (Channel.objects.count(), Delivery.objects.count()) == (1, 1)
    assert alices_browser.post(f"{CHANNELS}/{channel.pk}/delete").status_code == 302
    assert (Channel.objects.count(), Delivery.objects.count(), alice.notifications.count()) == (0, 0, 1)


# --- Who -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["test", "delete"])
def test_the_channel_of_another_user_is_not_found(bobs_browser: Client, alice: User, action: str) -> None:
    channel = make_channel(alice)
    for send in (bobs_browser.get, bobs_browser.post) if action == "delete" else (bobs_browser.post,):
        assert send(f"{CHANNELS}/{channel.pk}/{action}").status_code == 404
    assert bobs_browser.post(f"{CHANNELS}/00000000-0000-4000-8000-000000000000/{action}").status_code == 404
    assert (Channel.objects.count(), Delivery.objects.count()) == (1, 0)


def test_bob_sees_nothing_of_alice(bobs_browser: Client, alice: User) -> None:
    make_channel(alice, name="Her channel")
    for url in (URL, CHANNELS):
        assert "Her channel" not in bobs_browser.get(url).content.decode()


@pytest.mark.parametrize("url", [URL, CHANNELS, ADD, f"{CHANNELS}/00000000-0000-4000-8000-000000000000/test"])
def test_charlie_is_sent_to_the_log_in(charlies_browser: Client, url: str) -> None:
    assert charlies_browser.get(url)["Location"] == f"/accounts/login/?next={url}"


def test_no_test_is_sent_by_get(alices_browser: Client, alice: User) -> None:
    channel = make_channel(alice)
    assert alices_browser.get(f"{CHANNELS}/{channel.pk}/test").status_code == 405
    assert not Delivery.objects.exists()


def test_the_hint_of_an_address_is_short() -> None:
    assert managing._hint("tgram", "tgram://secret-token/98765") == "tgram://…8765"
