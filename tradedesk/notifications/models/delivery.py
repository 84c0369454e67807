"""The outbox: one row for each notification and channel, written with the notification."""

import uuid

from django.db import models
from django.db.models import Q

from tradedesk.notifications.events import Priority
from tradedesk.notifications.models.channel import Channel
from tradedesk.notifications.models.notification import Notification


class Delivery(models.Model):
    """PENDING until a worker claims it, SENDING under its lease, then SENT, PENDING again, or FAILED for good.

    A worker that is killed after sending leaves a row that is sent again: at least once, always with the same id.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"

    # Sent with the message, so that a receiver can tell that it has it already.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    channel = models.ForeignKey(Channel, models.CASCADE, related_name="deliveries")
    # None: a test of the channel.
    notification = models.ForeignKey(
        Notification, models.CASCADE, null=True, blank=True, related_name="deliveries"
    )
    priority = models.PositiveSmallIntegerField(choices=Priority)
    state = models.CharField(max_length=7, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Wall times. A row that was never tried is due at once.
    queued_at = models.DateTimeField(auto_now_add=True, null=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    # The worker that sends it; another one's result does not count.
    claim = models.CharField(max_length=32, blank=True)
    last_error = models.CharField(max_length=200, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(
                fields=["channel", "state"], condition=Q(state__in=["pending", "sending"]), name="delivery_open"
            ),
            models.Index(fields=["claim"], condition=Q(state="sending"), name="delivery_claimed"),
            models.Index(fields=["finished_at"], name="delivery_finished"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["notification", "channel"], name="delivery_once_per_channel"),
            models.UniqueConstraint(
                fields=["channel"],
                condition=Q(notification=None, state__in=["pending", "sending"]),
                name="delivery_one_open_test",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()}: {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.PENDING, self.State.SENDING)
