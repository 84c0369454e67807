"""Writing the outbox, in the transaction that writes the notification."""

from django.conf import settings
from django.db.models import Count, Q

from tradedesk.notifications.events import Event, Priority
from tradedesk.notifications.models import Channel, Delivery, EventChoice, Notification

OPEN = (Delivery.State.PENDING, Delivery.State.SENDING)
# A channel that does not get through its messages gets no more of them; what is urgent has a limit of its own.
MOST_WAITING = 200
MOST_WAITING_URGENT = 1000


def enqueue(
    notification: Notification, event: Event, choices: dict[object, bool], *, but: Channel | None = None
) -> None:
    """One row for each channel of the user that gets this event. choices: by channel, None is the inbox. but: a
    channel that gets nothing, because the notification is about its failures. At most two queries."""
    channels = Channel.objects.filter(user_id=notification.user_id)
    if settings.MARKET == "replay":
        channels = channels.filter(on_replay=True)
    if but is not None:
        channels = channels.exclude(pk=but.pk)
    waiting = Count("deliveries", filter=Q(deliveries__state__in=OPEN))
    most = MOST_WAITING_URGENT if notification.priority >= Priority.HIGH else MOST_WAITING
    Delivery.objects.bulk_create(
        Delivery(channel=channel, notification=notification, priority=notification.priority)
        for channel in channels.annotate(waiting=waiting)
        if choices.get(channel.pk, event.goes_out) and channel.waiting < most
    )


def choices_of(user_id: int, event: Event) -> dict[object, bool]:
    """What the user chose for this event, by the id of the channel; None is the inbox."""
    return dict(EventChoice.objects.filter(user_id=user_id, event=event.value).values_list("channel", "wanted"))
