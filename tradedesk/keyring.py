"""The keyring of this desk, from the setting ENCRYPTION_KEY, and the renewal of all secrets with its first key."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from django.conf import settings

from tradedesk.encryption import Keyring, NotDecrypted


@dataclass(slots=True)
class Renewed:
    """number: of the secrets that had an older key. unreadable: the rows that no key opens, each with the reason;
    they stay as they are, and so does what else is in them."""

    number: int = 0
    unreadable: list[str] = field(default_factory=list)

    def add(self, row: str, renew: Callable[[], int]) -> None:
        """renew: encrypts the secrets of one row again and gives their number."""
        try:
            self.number += renew()
        except NotDecrypted as error:
            self.unreadable.append(f"{row}: {error}")


# Encrypts the secrets of one table again with the newest key, and adds each row to what was renewed.
Renewal = Callable[[Keyring, Renewed], None]
_renewals: list[Renewal] = []


def keyring() -> Keyring:
    return _made_of(tuple(settings.ENCRYPTION_KEYS))


def on_renewal(renewal: Renewal) -> None:
    """Register a table with secrets."""
    if renewal not in _renewals:
        _renewals.append(renewal)


def renew_all() -> Renewed:
    """Encrypt what an older key has encrypted again with the newest."""
    renewed = Renewed()
    for renewal in _renewals:
        renewal(keyring(), renewed)
    return renewed


@cache
def _made_of(texts: tuple[str, ...]) -> Keyring:
    return Keyring(texts)
