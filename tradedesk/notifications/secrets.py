"""The secrets of channels."""

from functools import partial
from uuid import UUID

from django.db import transaction

from tradedesk.encryption import Keyring
from tradedesk.keyring import Renewed
from tradedesk.notifications.models import Channel

FIELDS = ("address", "signing_key")


def renew(ring: Keyring, renewed: Renewed) -> None:
    """Encrypt them again with the newest key."""
    for pk in Channel.objects.exclude(address="").values_list("pk", flat=True):
        renewed.add(f"Channel {pk}", partial(_renew, pk, ring))


def _renew(pk: UUID, ring: Keyring) -> int:
    with transaction.atomic():
        channel = Channel.objects.select_for_update().filter(pk=pk).first()
        if channel is None:
            return 0
        old = [name for name in FIELDS if getattr(channel, name) and not ring.is_current(getattr(channel, name))]
        for name in old:
            place = channel.place(name)
            setattr(channel, name, ring.encrypt(ring.decrypt(getattr(channel, name), place), place))
        if old:
            channel.save(update_fields=old)
        return len(old)
