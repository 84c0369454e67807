"""The keyring of this desk, from the setting ENCRYPTION_KEY, and the renewal of all secrets with its first key."""

from collections.abc import Callable
from functools import cache

from django.conf import settings

from tradedesk.encryption import Keyring

# Encrypts the secrets of one table again with the newest key; gives their number.
Renewal = Callable[[Keyring], int]
_renewals: list[Renewal] = []


def keyring() -> Keyring:
    return _made_of(tuple(settings.ENCRYPTION_KEYS))


def on_renewal(renewal: Renewal) -> None:
    """Register a table with secrets."""
    if renewal not in _renewals:
        _renewals.append(renewal)


def renew_all() -> int:
    """Encrypt what an older key has encrypted again with the newest. Returns the number of secrets. Raises
    NotDecrypted."""
    return sum(renewal(keyring()) for renewal in _renewals)


@cache
def _made_of(texts: tuple[str, ...]) -> Keyring:
    return Keyring(texts)
