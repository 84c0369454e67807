"""The keyring of this desk, from the setting ENCRYPTION_KEY."""

from functools import cache

from django.conf import settings

from tradedesk.encryption import Keyring


def keyring() -> Keyring:
    return _made_of(tuple(settings.ENCRYPTION_KEYS))


@cache
def _made_of(texts: tuple[str, ...]) -> Keyring:
    return Keyring(texts)
