"""The notifications in a user's inbox."""

from django.conf import settings
from django.db import models

from tradedesk.notifications.events import KEY_LENGTH, Priority, label_of


class Notification(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications")
    # A key of events.Event, not a choice of the database, so that a new event needs no migration.
    event = models.CharField(max_length=KEY_LENGTH)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NORMAL)
    text = models.CharField(max_length=500)
    url = models.CharField(max_length=200, blank=True)
    # Market time, like every time that a page shows.
    created_at = models.DateTimeField()
    # Wall time, because a person reads in real time.
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["user", "-id"], name="notification_newest"),
            models.Index(fields=["user", "event", "-id"], name="notification_by_event"),
            models.Index(fields=["user", "priority", "-id"], name="notification_by_priority"),
            # The bell counts these on every page.
            models.Index(fields=["user"], condition=models.Q(read_at=None), name="notification_unread"),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def event_label(self) -> str:
        return label_of(self.event)
