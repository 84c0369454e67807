"""Channels: where a user's notifications go besides the inbox; and which events go where."""

import uuid

from django.conf import settings
from django.db import models

from tradedesk.encryption import Place
from tradedesk.notifications.events import KEY_LENGTH


class Channel(models.Model):
    class Kind(models.TextChoices):
        EMAIL = "email", "Email"
        APPRISE = "apprise", "Messenger"
        WEBHOOK = "webhook", "Webhook"

    # Known before the row is stored, because the secrets are bound to it.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="channels")
    kind = models.CharField(max_length=7, choices=Kind)
    name = models.CharField(max_length=60)
    # Encrypted: the URL, which often contains a password, and the key that signs a webhook. Email has neither.
    address = models.TextField(blank=True)
    signing_key = models.TextField(blank=True)
    # What a page may show of the URL: its scheme and its last characters.
    shown = models.CharField(max_length=40, blank=True)
    on_replay = models.BooleanField(
        default=False, help_text="Whether it also gets the notifications of the replay market."
    )
    # Wall times, as everything here is about real deliveries.
    created_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    # A channel that fails rests until `retry_at`; both are empty while it works.
    failing_since = models.DateTimeField(null=True, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(kind="email"), name="channel_one_email_per_user"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def place(self, field: str) -> Place:
        """Where a secret of this channel is stored."""
        return Place(self.user_id, f"channel:{self.pk}", field)


class EventChoice(models.Model):
    """A user's choice for an event and a channel, or the inbox (no channel). Without a row the event decides."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="event_choices")
    event = models.CharField(max_length=KEY_LENGTH)
    channel = models.ForeignKey(Channel, models.CASCADE, null=True, blank=True, related_name="event_choices")
    wanted = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "event", "channel"], name="event_choice_of_channel"),
            models.UniqueConstraint(
                fields=["user", "event"], condition=models.Q(channel=None), name="event_choice_of_inbox"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event}: {'yes' if self.wanted else 'no'}"
