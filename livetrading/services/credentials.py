"""The keys of a broker account: stored encrypted, bound to their user and their row, read only to connect."""

import json
from dataclasses import dataclass

from livetrading.models import BrokerAccount
from tradedesk.encryption import Keyring, NotDecrypted
from tradedesk.keyring import keyring

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
    values = json.loads(keyring().decrypt(account.credentials, account.credentials_place))
    return Credentials(key_id=values["key_id"], secret=values["secret"])


def store_credentials(account: BrokerAccount, credentials: Credentials) -> bool:
    """Replace the keys of an account that is stored. The new ones are not verified yet. Returns False when the
    account was revoked meanwhile."""
    text = json.dumps({"key_id": credentials.key_id, "secret": credentials.secret})
    changes = {
        "credentials": keyring().encrypt(text, account.credentials_place),
        "key_hint": credentials.hint,
        "verified_at": None,
    }
    if not BrokerAccount.objects.filter(pk=account.pk, revoked_at=None).update(**changes):
        return False
    for name, value in changes.items():
        setattr(account, name, value)
    return True


def renew(ring: Keyring) -> int:
    """Encrypt them again with the newest key. Returns the number of those that had an older one."""
    renewed = 0
    for account in BrokerAccount.objects.exclude(credentials="").only("user", "credentials"):
        old, place = account.credentials, account.credentials_place
        if ring.is_current(old):
            continue
        new = ring.encrypt(ring.decrypt(old, place), place)
        # Keys that were replaced or revoked meanwhile stay as they are.
        renewed += BrokerAccount.objects.filter(pk=account.pk, credentials=old).update(credentials=new)
    return renewed
