"""A version number for each user, which increases with every change that the user's pages show."""

from django.conf import settings
from django.db import models


class UserVersion(models.Model):
    """The event hub reads it and refreshes the open pages when it has increased."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="desk_version"
    )
    number = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.number}"
