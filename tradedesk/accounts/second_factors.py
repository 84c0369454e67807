"""allauth's hook for the secrets of second factors: encrypted in the database."""

from allauth.mfa.adapter import DefaultMFAAdapter
from django.db import transaction

from tradedesk.encryption import Keyring, Place
from tradedesk.keyring import keyring

# allauth does not say whose secret it is, so a row is not bound to its user; it is useless without the key.
PLACE = Place(owner=0, record="authenticator", field="secret")
# What allauth encrypts: the key of an app, and the seed of recovery codes.
SECRETS = ("secret", "seed")


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    def encrypt(self, text: str) -> str:
        return keyring().encrypt(text, PLACE)

    def decrypt(self, encrypted_text: str) -> str:
        """Raises NotDecrypted."""
        return keyring().decrypt(encrypted_text, PLACE)


def renew(ring: Keyring) -> int:
    """Encrypt them again with the newest key. Returns the number of those that had an older one."""
    from allauth.mfa.models import Authenticator  # after the apps are loaded

    renewed = 0
    for pk in Authenticator.objects.values_list("pk", flat=True):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().get(pk=pk)
            old = [name for name in SECRETS if name in row.data and not ring.is_current(row.data[name])]
            if old:
                row.data |= {name: ring.encrypt(ring.decrypt(row.data[name], PLACE), PLACE) for name in old}
                row.save(update_fields=["data"])
                renewed += len(old)
    return renewed
