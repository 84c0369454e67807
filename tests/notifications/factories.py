"""Channels and outbox rows for the tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tradedesk.accounts.models import User
from tradedesk.keyring import keyring
from tradedesk.notifications.events import Event, Priority
from tradedesk.notifications.models import Channel, Delivery, Notification
from tradedesk.notifications.services import notify

NOW = datetime(2012, 3, 5, 21, tzinfo=UTC)
WALL = datetime(2026, 3, 2, 15, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return WALL + timedelta(seconds=seconds)


def make_channel(
    user: User, address: str = "https://example.com/hook", key: str = "the key", **fields: Any
) -> Channel:
    """A webhook that also gets what happens on the replay market."""
    values = {"kind": "webhook", "name": "Hook", "created_at": WALL, "on_replay": True, "shown": "https://…hook"}
    channel = Channel(user=user, **(values | fields))
    if channel.kind != Channel.Kind.EMAIL:
        channel.address = keyring().encrypt(address, channel.place("address"))
        channel.signing_key = keyring().encrypt(key, channel.place("signing_key"))
    channel.save(force_insert=True)
    return channel


def tell(user: User, text: str = "Trading is stopped.", priority: Priority | None = None) -> Notification:
    return notify(user, Event.HALT, text, "/dashboard", NOW, priority=priority)


def states() -> list[str]:
    return list(Delivery.objects.order_by("notification").values_list("state", flat=True))
