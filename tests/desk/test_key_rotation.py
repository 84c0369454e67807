"""After a rotation of the encryption key all secrets are encrypted with the new one, and the old key can go."""

from io import StringIO
from pathlib import Path

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from pytest_django import Settings

from livetrading.credentials import credentials_of
from livetrading.models import BrokerAccount, ConnectionTest
from livetrading.services.broker_accounts import replace_keys
from tests.livetrading.factories import WALL
from tests.livetrading.keyed_broker import KEYS, OTHER_KEYS, add
from tests.notifications.factories import make_channel
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord
from tradedesk.keyring import keyring
from tradedesk.lock import FileLock
from tradedesk.notifications.models import Channel

OLD, NEW = "o" * 50, "n" * 50


def rotate() -> str:
    output = StringIO()
    call_command("rotate_encryption_key", stdout=output)
    return output.getvalue()


@pytest.fixture(autouse=True)
def _keys_of_the_environment(settings: Settings) -> None:
    settings.ENCRYPTION_KEY_FILE = None


def test_the_old_key_can_go(alice: User, settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = (OLD,)
    make_channel(alice, "https://example.com/hook", "the key")
    make_channel(alice, kind="email", name="Mail")
    secret = get_adapter().encrypt("TOTP secret")
    Authenticator.objects.create(user=alice, type="totp", data={"secret": secret})
    settings.ENCRYPTION_KEYS = (NEW, OLD)
    assert rotate().startswith("3 secrets")
    assert rotate().startswith("0 secrets")
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
        rotate()


def test_a_damaged_row_is_named_and_those_after_it_are_renewed(alice: User, bob: User, settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = (OLD,)
    first, damaged, last = add(alice), make_channel(alice), make_channel(bob)
    copied = Channel.objects.get(pk=last.pk).address
    Channel.objects.filter(pk=damaged.pk).update(address=copied)
    settings.ENCRYPTION_KEYS = (NEW, OLD)
    with pytest.raises(CommandError, match=str(damaged.pk)) as refused:
        rotate()
    assert str(last.pk) not in str(refused.value)
    assert keyring().is_current(BrokerAccount.objects.get(pk=first.pk).credentials)
    assert keyring().is_current(Channel.objects.get(pk=last.pk).address)
    assert Channel.objects.get(pk=damaged.pk).address == copied
    kept = AuditRecord.objects.get(action="key_rotated").details
    assert (kept["secrets"], len(kept["unreadable"])) == (3, 1)


def test_the_keys_of_accounts_and_those_that_are_being_tested(alice: User, settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = (OLD,)
    account = add(alice)
    ConnectionTest.objects.update(state="passed")
    replace_keys(account, OTHER_KEYS, by=alice, wall_now=WALL)
    settings.ENCRYPTION_KEYS = (NEW, OLD)
    assert rotate().startswith("2 secrets")
    settings.ENCRYPTION_KEYS = (NEW,)
    account = BrokerAccount.objects.get()
    assert credentials_of(account) == KEYS
    account.credentials = ConnectionTest.objects.get().new_credentials
    assert credentials_of(account) == OTHER_KEYS


def test_the_embedded_desk_makes_a_new_key(alice: User, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "encryption.key"
    file.write_text(OLD)
    settings.ENCRYPTION_KEYS, settings.ENCRYPTION_KEY_FILE = (OLD,), file
    settings.DATA_DIR, settings.REDIS_URL = tmp_path, ""
    account = add(alice)
    with FileLock(tmp_path / "desk.lock", "a desk"), pytest.raises(CommandError, match="a desk"):
        rotate()
    assert file.read_text() == OLD
    assert rotate().startswith("1 secrets")
    new, old = file.read_text().split()
    assert (old, len(new) >= 50, file.stat().st_mode & 0o077) == (OLD, True, 0)
    settings.ENCRYPTION_KEYS = (new,)
    assert credentials_of(BrokerAccount.objects.get(pk=account.pk)) == KEYS


def test_processes_that_would_not_know_the_new_key_are_not_locked_out(settings: Settings, tmp_path: Path) -> None:
    settings.ENCRYPTION_KEY_FILE, settings.REDIS_URL = tmp_path / "encryption.key", "redis://127.0.0.1:1/0"
    with pytest.raises(CommandError, match="ENCRYPTION_KEY"):
        rotate()
    assert not settings.ENCRYPTION_KEY_FILE.exists()
