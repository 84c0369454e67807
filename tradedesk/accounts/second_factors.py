"""allauth's hook for the secrets of second factors: encrypted in the database."""

from allauth.mfa.adapter import DefaultMFAAdapter

from tradedesk.encryption import Place
from tradedesk.keyring import keyring

# allauth does not say whose secret it is, so a row is not bound to its user; it is useless without the key.
PLACE = Place(owner=0, record="authenticator", field="secret")


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    def encrypt(self, text: str) -> str:
        return keyring().encrypt(text, PLACE)

    def decrypt(self, encrypted_text: str) -> str:
        """Raises NotDecrypted."""
        return keyring().decrypt(encrypted_text, PLACE)
