"""A number per user that moves whenever something the user's pages show has changed."""

from django.conf import settings
from django.db import models


class UserVersion(models.Model):
    """Read by the event hub, which wakes the open pages; carries no data of its own."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="desk_version"
    )
    number = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.number}"
