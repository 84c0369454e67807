"""The last fill up to which the desk's records are reconciled with a broker account."""

from django.conf import settings
from django.db import models

from tradedesk.accounts.models import Mode


class Reconciliation(models.Model):
    """One row for each user and mode. The row lock serializes the booking of one account's fills."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="reconciliations")
    mode = models.CharField(max_length=5, choices=Mode)
    # The broker's id of the last booked fill; opaque to the desk.
    cursor = models.CharField(max_length=80, blank=True)
    reconciled_at = models.DateTimeField(null=True, blank=True, help_text="Market time.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "mode"], name="reconciliation_unique_account")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.mode}"
