"""Second factors: allauth's hook for their secrets, which are encrypted in the database, and the end of what was
begun without one."""

from functools import partial
from typing import TYPE_CHECKING, Any

from allauth.mfa.adapter import DefaultMFAAdapter
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from tradedesk.encryption import Keyring, Place
from tradedesk.keyring import Renewed, keyring

if TYPE_CHECKING:
    from tradedesk.accounts.models import User

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


def end_access_without(request: HttpRequest, user: "User", authenticator: Any, **_: Any) -> None:
    """With the first second factor, all tokens and other sessions end: whoever had the password alone may have
    made them."""
    from allauth.mfa.models import Authenticator  # after the apps are loaded
    from allauth.usersessions.models import UserSession

    from tradedesk.accounts.log_records import note
    from tradedesk.accounts.tokens import end_all
    from tradedesk.audit.services import record_all

    codes = Authenticator.Type.RECOVERY_CODES
    before = Authenticator.objects.filter(user=user).exclude(type=codes).exclude(pk=authenticator.pk)
    if authenticator.type == codes or before.exists():
        return
    with transaction.atomic():
        record_all(end_all(user.api_tokens.all()), timezone.now())
    others = list(UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key))
    for session in others:
        session.end()
    if others:
        note(user, "sessions_ended", sessions=len(others))


def renew(ring: Keyring, renewed: Renewed) -> None:
    """Encrypt them again with the newest key."""
    from allauth.mfa.models import Authenticator  # after the apps are loaded

    for pk, email in Authenticator.objects.values_list("pk", "user__email"):
        renewed.add(f"Second factor {pk} of {email}", partial(_renew, pk, ring))


def _renew(pk: int, ring: Keyring) -> int:
    from allauth.mfa.models import Authenticator  # after the apps are loaded

    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(pk=pk).first()
        if row is None:
            return 0
        old = [name for name in SECRETS if name in row.data and not ring.is_current(row.data[name])]
        if old:
            row.data |= {name: ring.encrypt(ring.decrypt(row.data[name], PLACE), PLACE) for name in old}
            row.save(update_fields=["data"])
        return len(old)
