"""A user's channels: adding, testing and deleting them."""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction

from tradedesk.accounts.models import User
from tradedesk.audit.services import record
from tradedesk.core.names import name_problem
from tradedesk.keyring import keyring
from tradedesk.notifications.channels.addresses import names_this_machine
from tradedesk.notifications.channels.guard import PRIVATE_ADDRESS
from tradedesk.notifications.channels.process import check_service
from tradedesk.notifications.channels.sending import NO_HTTPS
from tradedesk.notifications.channels.signature import new_key
from tradedesk.notifications.events import Priority
from tradedesk.notifications.models import Channel, Delivery

MOST = 10
LONGEST_NAME, LONGEST_ADDRESS = 60, 2_000
# Characters at the end of an address that a page shows, so that its owner knows it again.
SHOWN = 4


class ChannelRefused(Exception):
    """Why a channel cannot be added; field: the one at fault, "" for none."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def add_email(user: User, name: str, wall_now: datetime, *, on_replay: bool = False) -> Channel:
    """Mail to the address of the account, and to no other: nobody gets mail that they did not ask for."""
    return _store(user, Channel(kind=Channel.Kind.EMAIL, name=_checked(name), on_replay=on_replay), wall_now)


def add_messenger(
    user: User,
    name: str,
    address: str,
    wall_now: datetime,
    *,
    on_replay: bool = False,
    check: Callable[[str], tuple[str, str]] = check_service,
) -> Channel:
    """A service of apprise. check: gives the scheme of an address, and why it cannot be used."""
    channel = Channel(user=user, kind=Channel.Kind.APPRISE, name=_checked(name), on_replay=on_replay)
    address = _one_line(address)
    _require_room(user)
    scheme, problem = check(address)
    if problem:
        raise ChannelRefused(problem, "address")
    channel.address = keyring().encrypt(address, channel.place("address"))
    channel.shown = _hint(scheme, address)
    return _store(user, channel, wall_now)


def add_webhook(
    user: User, name: str, address: str, wall_now: datetime, *, on_replay: bool = False
) -> tuple[Channel, str]:
    """The channel, and the key that signs its requests, which is shown once."""
    channel = Channel(user=user, kind=Channel.Kind.WEBHOOK, name=_checked(name), on_replay=on_replay)
    address, key = _one_line(address), new_key()
    scheme = _check_webhook(address)
    channel.address = keyring().encrypt(address, channel.place("address"))
    channel.signing_key = keyring().encrypt(key, channel.place("signing_key"))
    channel.shown = _hint(scheme, address)
    return _store(user, channel, wall_now), key


def send_test(channel: Channel) -> bool:
    """Put a test into the outbox; its result is shown with the channel. Returns False while one is under way."""
    try:
        with transaction.atomic():
            Delivery.objects.create(channel=channel, priority=Priority.CRITICAL)
    except IntegrityError:
        return False
    return True


def delete_channel(channel: Channel, *, by: User, wall_now: datetime) -> None:
    """With what it had not sent yet."""
    told = _told(channel)
    with transaction.atomic():
        if Channel.objects.filter(pk=channel.pk).delete()[0]:
            record(by, "channel_deleted", channel, told, wall_now)


def _store(user: User, channel: Channel, wall_now: datetime) -> Channel:
    channel.user, channel.created_at = user, wall_now
    with transaction.atomic():
        # The lock lets one request at a time count and add.
        User.objects.select_for_update().get(pk=user.pk)
        _require_room(user)
        if channel.kind == Channel.Kind.EMAIL and user.channels.filter(kind=channel.kind).exists():
            raise ChannelRefused("You have a channel for email already.", "kind")
        channel.save(force_insert=True)
        record(user, "channel_added", channel, _told(channel), wall_now)
    return channel


def _told(channel: Channel) -> dict[str, object]:
    return {name: getattr(channel, name) for name in ("name", "kind", "shown", "on_replay")}


def _require_room(user: User) -> None:
    if user.channels.count() >= MOST:
        raise ChannelRefused(f"You have {MOST} channels, which is the maximum. Delete one first.")


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise ChannelRefused("Give the channel a name.", "name")
    if len(name) > LONGEST_NAME:
        raise ChannelRefused(f"A name has at most {LONGEST_NAME} characters.", "name")
    if problem := name_problem(name):
        raise ChannelRefused(problem, "name")
    return name


def _one_line(address: str) -> str:
    address = address.strip()
    if not address:
        raise ChannelRefused("Enter the address.", "address")
    if len(address) > LONGEST_ADDRESS:
        raise ChannelRefused(f"An address has at most {LONGEST_ADDRESS:,} characters.", "address")
    if not address.isprintable() or " " in address:
        raise ChannelRefused("An address has no spaces and no line breaks.", "address")
    return address


def _check_webhook(address: str) -> str:
    """The scheme. Names are resolved only when something is sent; what is plainly local is refused at once."""
    private = settings.NOTIFY_PRIVATE_ADDRESSES
    try:
        url = urlsplit(address)
        host, _ = url.hostname or "", url.port
    except ValueError:
        raise ChannelRefused("This is not an address: its host or its port is not valid.", "address") from None
    if url.scheme not in (("https", "http") if private else ("https",)) or not host:
        raise ChannelRefused(NO_HTTPS, "address")
    if not private and names_this_machine(host):
        raise ChannelRefused(PRIVATE_ADDRESS, "address")
    return url.scheme


def _hint(scheme: str, address: str) -> str:
    return f"{scheme}://…{address[-SHOWN:]}"
