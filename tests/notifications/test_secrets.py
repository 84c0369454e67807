"""Planted secrets of channels appear on no page, in no log and in no error."""

import logging
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from tests.notifications.factories import NOW, WALL, later, make_channel, tell
from tradedesk.accounts.models import User
from tradedesk.notifications.channels import process
from tradedesk.notifications.models import Channel, Delivery
from tradedesk.notifications.outbox.send import send_due

SECRETS = ("planted-token", "planted-key", "planted-password")
MESSENGER = "ntfy://user:planted-password@127.0.0.1:1/planted-token"
HOOK = "http://user:planted-password@127.0.0.1:1/planted-token"


@pytest.mark.parametrize("private", [True, False])
def test_no_page_no_log_and_no_error_has_them(
    alice: User,
    alices_browser: Client,
    admin_client: Client,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Any,
    private: bool,
) -> None:
    settings.NOTIFY_PRIVATE_ADDRESSES = private
    caplog.set_level(logging.DEBUG)
    hook = make_channel(alice, HOOK, "planted-key")
    chat = make_channel(alice, MESSENGER, kind="apprise", name="Chat")
    damaged = make_channel(alice, HOOK, name="Damaged")
    Channel.objects.filter(pk=damaged.pk).update(address=chat.address)
    tell(alice)
    send_due(lambda: WALL, lambda: NOW, later(60))
    assert Channel.objects.filter(failing_since=WALL).count() == 3
    call_command("dumpdata", "notifications", output=str(tmp_path / "dump.json"))
    admin = "/admin/notifications/"
    pages = [
        (alices_browser, "/settings/notifications"),
        (alices_browser, "/dashboard/notifications"),
        (alices_browser, "/api/v1/notifications"),
        *((admin_client, f"{admin}{table}/") for table in ("channel", "delivery", "notification")),
        (admin_client, f"{admin}channel/{hook.pk}/change/"),
        (admin_client, f"{admin}delivery/{Delivery.objects.earliest('pk').pk}/change/"),
    ]
    shown = [browser.get(url) for browser, url in pages]
    assert {response.status_code for response in shown} == {200}
    written = [*(response.content.decode() for response in shown), caplog.text, *capfd.readouterr()]
    written.append((tmp_path / "dump.json").read_text())
    assert not [secret for secret in SECRETS for text in written if secret in text]
    # The ciphertext is in no page either.
    assert not [text for text in written[:-1] for channel in (hook, chat) if channel.address in text]


def test_what_the_child_prints_is_thrown_away(alice: User, capfd: pytest.CaptureFixture[str]) -> None:
    process.check_service(MESSENGER + "?format=planted-token")
    assert not [text for text in capfd.readouterr() for secret in SECRETS if secret in text]
