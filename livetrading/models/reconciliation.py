"""How far the desk's books have taken over what a broker account reports."""

from django.conf import settings
from django.db import models

from tradedesk.accounts.models import Mode


class Reconciliation(models.Model):
    """One row per user and mode. Its row lock puts the fills of one account in a line."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="reconciliations")
    mode = models.CharField(max_length=5, choices=Mode)
    # The broker's id of the last fill taken over; opaque to the desk.
    cursor = models.CharField(max_length=80, blank=True)
    reconciled_at = models.DateTimeField(null=True, blank=True, help_text="Market time.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "mode"], name="reconciliation_one_per_account")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.mode}"
