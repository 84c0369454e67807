"""The secrets of channels."""

from django.db import transaction

from tradedesk.encryption import Keyring
from tradedesk.notifications.models import Channel

FIELDS = ("address", "signing_key")


def renew(ring: Keyring) -> int:
    """Encrypt them again with the newest key. Returns the number of those that had an older one."""
    renewed = 0
    for pk in Channel.objects.exclude(address="").values_list("pk", flat=True):
        with transaction.atomic():
            channel = Channel.objects.select_for_update().filter(pk=pk).first()
            old = [name for name in FIELDS if channel and getattr(channel, name)]
            old = [name for name in old if not ring.is_current(getattr(channel, name))]
            if channel is None or not old:
                continue
            for name in old:
                place = channel.place(name)
                setattr(channel, name, ring.encrypt(ring.decrypt(getattr(channel, name), place), place))
            channel.save(update_fields=old)
            renewed += len(old)
    return renewed
