"""Sending the outbox: claim, send outside any transaction, record."""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from django.conf import settings

from tradedesk.accounts.changes import bump_version
from tradedesk.encryption import NotDecrypted
from tradedesk.keyring import keyring
from tradedesk.notifications.channels.mail import send_mail
from tradedesk.notifications.channels.message import Message, Outcome
from tradedesk.notifications.channels.process import send_in_child
from tradedesk.notifications.events import Event, Priority, label_of
from tradedesk.notifications.models import Channel, Delivery
from tradedesk.notifications.outbox import claims
from tradedesk.notifications.services import notify

log = logging.getLogger(__name__)

TEST_TEXT = "This is a test of the channel “{name}”. Notifications of the desk arrive like this."
STOPPED = "Sending ended without a result."


def send_due(wall_clock: Callable[[], datetime], market_now: Callable[[], datetime], until: datetime) -> int:
    """Send what is due, channel by channel, until nothing is or the wall time `until` has come. Returns how many
    messages were sent."""
    sent = 0
    while wall_clock() < until:
        claimed = claims.claim_batch(wall_clock())
        if claimed is None:
            break
        try:
            sent += _send_batch(claimed, wall_clock, market_now)
        except Exception:
            # Its rows are tried again after their lease; the other channels go on.
            log.exception("Channel %s could not be sent to.", claimed.channel.pk)
    return sent


def message_of(delivery: Delivery) -> Message:
    """The message of an outbox row, with the channel and the notification read."""
    notification = delivery.notification
    if notification is None:
        return Message(
            id=str(delivery.pk),
            event="test",
            label="Test",
            priority="normal",
            text=TEST_TEXT.format(name=delivery.channel.name),
            time="",
            link="",
            test=True,
        )
    base = settings.DESK_URL.rstrip("/")
    return Message(
        id=str(delivery.pk),
        event=notification.event,
        label=label_of(notification.event),
        priority=Priority(notification.priority).name.lower(),
        text=notification.text,
        time=notification.created_at.isoformat(),
        link=f"{base}{notification.url}" if base and notification.url else "",
    )


def _send_batch(
    claimed: claims.Claimed, wall_clock: Callable[[], datetime], market_now: Callable[[], datetime]
) -> int:
    channel, by_id = claimed.channel, {str(delivery.pk): delivery for delivery in claimed.deliveries}
    messages = [message_of(delivery) for delivery in claimed.deliveries]
    sent, error = 0, ""
    for outcome in _outcomes(channel, messages, wall_clock):
        delivery, error = by_id.pop(outcome.id), outcome.error
        if error:
            claims.record_failure(claimed.claim, delivery, error, wall_clock())
        else:
            sent += claims.record_sent(claimed.claim, delivery, wall_clock())
    claims.give_back(claimed.claim, list(by_id.values()))
    if error:
        # The channel's name and URL are the user's own; the log needs neither.
        log.warning("Channel %s of user %s failed: %s", channel.pk, channel.user_id, error)
        if claims.record_channel_fails(channel, error, wall_clock()):
            text = f"The channel “{channel.name}” does not work: {error} It is tried again."
            notify(channel.user, Event.CHANNEL_FAILED, text, "/settings/notifications", market_now(), but=channel)
    elif sent:
        claims.record_channel_works(channel, wall_clock())
    bump_version(channel.user_id)
    return sent


def _outcomes(
    channel: Channel, messages: Sequence[Message], wall_clock: Callable[[], datetime]
) -> Iterable[Outcome]:
    """The outcome of each message until the first failure."""
    try:
        if channel.kind == Channel.Kind.EMAIL:
            yield from send_mail(channel.user.email, messages)
            return
        address = keyring().decrypt(channel.address, channel.place("address"))
        key = keyring().decrypt(channel.signing_key, channel.place("signing_key")) if channel.signing_key else ""
    except NotDecrypted as error:
        yield Outcome(messages[0].id, str(error))
        return
    private = settings.NOTIFY_PRIVATE_ADDRESSES
    timestamp = int(wall_clock().timestamp())
    try:
        yield from send_in_child(channel.kind, address, key, messages, timestamp, private=private)
    except OSError:
        # The child could not be started. The cause names no URL, but the exception may.
        yield Outcome(messages[0].id, STOPPED)
