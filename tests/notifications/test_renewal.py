"""After a change of the encryption key all secrets are encrypted again, and the old key can go."""

from io import StringIO

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tests.notifications.factories import make_channel
from tradedesk.accounts.models import User
from tradedesk.keyring import keyring
from tradedesk.notifications.models import Channel

OLD, NEW = "o" * 50, "n" * 50


def renew() -> str:
    output = StringIO()
    call_command("renew_secrets", stdout=output)
    return output.getvalue()


def test_the_old_key_can_go(alice: User, settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = (OLD,)
    make_channel(alice, "https://example.com/hook", "the key")
    make_channel(alice, kind="email", name="Mail")
    secret = get_adapter().encrypt("TOTP secret")
    Authenticator.objects.create(user=alice, type="totp", data={"secret": secret})
    settings.ENCRYPTION_KEYS = (NEW, OLD)
    assert renew().startswith("3 secrets")
    assert renew().startswith("0 secrets")
    settings.ENCRYPTION_KEYS = (NEW,)
    channel = Channel.objects.exclude(kind="email").get()
    assert keyring().decrypt(channel.address, channel.place("address")) == "https://example.com/hook"
    assert keyring().decrypt(channel.signing_key, channel.place("signing_key")) == "the key"
    assert get_adapter().decrypt(Authenticator.objects.get().data["secret"]) == "TOTP secret"


def test_without_the_old_key_it_says_so(alice: User, settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = (OLD,)
    make_channel(alice)
    settings.ENCRYPTION_KEYS = (NEW,)
    with pytest.raises(CommandError, match="ENCRYPTION_KEY"):
        renew()
