"""Whose keys get market data: those of the user's account at Alpaca that was verified last."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from livetrading.credentials import Credentials, store_credentials
from livetrading.models import BrokerAccount
from livetrading.services.data_keys import keys_of_user
from tradedesk.accounts.models import Mode, User
from tradedesk.marketdata.data_keys import NoKeys, access_of_owner, access_of_user, has_access


def account(user: User, name: str, *, mode: str = Mode.PAPER, verified: int | None = None) -> BrokerAccount:
    """An account whose keys have its name. verified: so many hours ago."""
    made = BrokerAccount.objects.create(user=user, broker="alpaca", mode=mode, name=name, active=False)
    store_credentials(made, Credentials(key_id=f"PK{name}", secret=f"{name}-planted-secret"))
    if verified is not None:
        at = timezone.now() - timedelta(hours=verified)
        BrokerAccount.objects.filter(pk=made.pk).update(verified_at=at)
    return made


def key_id(user: User) -> str:
    found = keys_of_user(user.pk)
    return found.keys.key_id if found else ""


def test_the_keys_are_those_of_the_account_that_was_verified_last(
    alice: User, bob: User, settings: Settings
) -> None:
    assert key_id(alice) == ""
    account(alice, "new")
    assert key_id(alice) == "PKnew"
    account(alice, "paper", verified=2)
    live = account(alice, "live", mode=Mode.LIVE, verified=1)
    assert key_id(alice) == "PKlive"
    found = keys_of_user(alice.pk)
    assert found is not None
    assert found.trading_url == settings.ALPACA_API_BASE_URL
    assert "planted-secret" not in repr(found)
    BrokerAccount.objects.filter(pk=live.pk).update(revoked_at=timezone.now(), credentials="", key_hint="")
    assert (key_id(alice), key_id(bob)) == ("PKpaper", "")


def test_keys_that_do_not_decrypt_are_none(alice: User, bob: User) -> None:
    stolen, own = account(alice, "alices"), account(bob, "bobs")
    stolen.refresh_from_db()
    BrokerAccount.objects.filter(pk=own.pk).update(credentials=stolen.credentials)
    assert key_id(bob) == ""


def test_with_the_keys_of_the_installation_bars_are_for_all(alice: User, bob: User, settings: Settings) -> None:
    account(alice, "own")
    assert (access_of_user(alice.pk).owner_id, has_access(bob.pk)) == (alice.pk, False)
    with pytest.raises(NoKeys):
        access_of_owner(None)
    settings.ALPACA_DATA_KEY_ID, settings.ALPACA_DATA_SECRET = "PKALL", "secret-of-all"
    for access in (access_of_user(alice.pk), access_of_user(bob.pk), access_of_owner(None)):
        assert (access.owner_id, access.keys.key_id) == (None, "PKALL")
    # Alice's series of before are kept up to date with them.
    assert access_of_owner(alice.pk).owner_id == alice.pk
