"""A bearer token of the API; only its hash is stored."""

from django.conf import settings
from django.db import models


class ApiToken(models.Model):
    class Scope(models.TextChoices):
        READ = "read", "Read"
        TRADE = "trade", "Read and trade"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    # What the user calls it; "" for the token of a log-in of the API.
    name = models.CharField(max_length=60, blank=True)
    scope = models.CharField(max_length=5, choices=Scope, default=Scope.TRADE)
    sha256 = models.CharField(max_length=64, unique=True)
    # The last characters, by which the user knows it again.
    ending = models.CharField(max_length=4, blank=True)
    # Wall time, not market time.
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name or 'Log-in'} of {self.user} until {self.expires_at:%Y-%m-%d %H:%M}"

    @property
    def described(self) -> str:
        """How records name it: as its user knows it."""
        return f"{self.name or 'Log-in'} …{self.ending}"
