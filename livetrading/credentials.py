"""The keys of a broker account: stored encrypted, bound to their user and their row, read only to connect."""

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import QuerySet

from livetrading.models import BrokerAccount, ConnectionTest
from tradedesk.encryption import Keyring, NotDecrypted
from tradedesk.keyring import Renewed, keyring
from tradedesk.monitoring.scrubbing import learn

# Characters at the end of a key id that a page shows, so that its owner knows it again.
SHOWN = 4


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """The keys that a broker gave to the trader."""

    key_id: str
    secret: str

    @property
    def hint(self) -> str:
        return self.key_id[-SHOWN:]

    def __repr__(self) -> str:
        # A log or a traceback shows values as they are represented.
        return f"Credentials(…{self.hint})"


def credentials_of(account: BrokerAccount) -> Credentials:
    """Raises NotDecrypted, also when the account has no keys."""
    if not account.credentials:
        raise NotDecrypted(f"“{account.name}” has no keys.")
    return opened(account, account.credentials)


def store_credentials(account: BrokerAccount, credentials: Credentials) -> bool:
    """Give a stored account these keys; they are not verified yet. Returns False when the account was revoked
    meanwhile."""
    changes = {"credentials": sealed(account, credentials), "key_hint": credentials.hint, "verified_at": None}
    if not BrokerAccount.objects.filter(pk=account.pk, revoked_at=None).update(**changes):
        return False
    for name, value in changes.items():
        setattr(account, name, value)
    return True


def sealed(account: BrokerAccount, credentials: Credentials) -> str:
    """The keys as the account stores them. No log of this process has them from then on."""
    learn(credentials.key_id, credentials.secret)
    text = json.dumps({"key_id": credentials.key_id, "secret": credentials.secret})
    return keyring().encrypt(text, account.credentials_place)


def opened(account: BrokerAccount, stored: str) -> Credentials:
    """The keys that `sealed` has made of this account. No log of this process has them from then on. Raises
    NotDecrypted."""
    values = json.loads(keyring().decrypt(stored, account.credentials_place))
    credentials = Credentials(key_id=values["key_id"], secret=values["secret"])
    learn(credentials.key_id, credentials.secret)
    return credentials


def renew(ring: Keyring, renewed: Renewed) -> None:
    """Encrypt them again with the newest key. Keys that were replaced or revoked meanwhile stay as they are."""
    for account in BrokerAccount.objects.exclude(credentials="").only("user", "credentials"):
        own = BrokerAccount.objects.filter(pk=account.pk)
        renewed.add(
            f"Broker account {account.pk}", partial(_renew, own, "credentials", account.credentials, account, ring)
        )
    for test in ConnectionTest.objects.exclude(new_credentials="").select_related("account"):
        tests = ConnectionTest.objects.filter(pk=test.pk)
        renewed.add(
            f"New keys of broker account {test.account_id}",
            partial(_renew, tests, "new_credentials", test.new_credentials, test.account, ring),
        )


def _renew(rows: "QuerySet[Any]", field: str, stored: str, account: BrokerAccount, ring: Keyring) -> int:
    if ring.is_current(stored):
        return 0
    new = ring.encrypt(ring.decrypt(stored, account.credentials_place), account.credentials_place)
    return rows.filter(**{field: stored}).update(**{field: new})
