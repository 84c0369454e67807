"""Incidents: what a person must know, because the desk's records and those of the broker do not agree."""

from decimal import Decimal

from django.db import models
from django.db.models import Q

from livetrading.models.account import BrokerAccount
from livetrading.models.order import Order


class Incident(models.Model):
    """A fill that did not fit its order, a fill that could not be booked, or a difference between the records.

    It is open until `resolved_at`, and shown from `reported_at` on: a difference is reported only when it lasts.
    It is never adopted into the desk's records.
    """

    class Kind(models.TextChoices):
        UNEXPECTED_FILL = "unexpected_fill", "Unexpected fill"
        UNBOOKED_FILL = "unbooked_fill", "Fill not booked"
        CORRECTED_FILL = "corrected_fill", "Fill corrected"
        UNBOOKED_CORRECTION = "unbooked_correction", "Correction not booked"
        UNEXPECTED_ORDER = "unexpected_order", "Unexpected order"
        MISSING_ORDER = "missing_order", "Missing order"
        UNSENT_ORDER = "unsent_order", "Order not sent"
        FAILED_EXIT = "failed_exit", "Exit failed"
        POSITION = "position", "Position differs"
        CASH = "cash", "Cash differs"

    account = models.ForeignKey(BrokerAccount, models.CASCADE, related_name="incidents")
    kind = models.CharField(max_length=20, choices=Kind)
    # What it is about: a symbol, or the broker's id of the fill or order.
    key = models.CharField(max_length=128)
    order = models.ForeignKey(Order, models.CASCADE, null=True, blank=True, related_name="incidents")
    text = models.CharField(max_length=300)
    # A difference: {"difference": the broker's figure minus ours, "own": ours, "reported": the difference that
    # was reported}. A fill that is not booked: its fields.
    facts = models.JSONField(default=dict, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    first_seen_at = models.DateTimeField(help_text="Market time.")
    reported_at = models.DateTimeField(null=True, blank=True, help_text="Market time.")
    resolved_at = models.DateTimeField(null=True, blank=True, help_text="Market time.")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["account", "-id"]),
            models.Index(fields=["kind"], condition=Q(resolved_at=None), name="incident_open"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "key"], condition=Q(resolved_at=None), name="incident_unique_while_open"
            )
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def missing(self) -> Decimal:
        """The shares that the broker still holds less than our records."""
        is_open = self.kind == self.Kind.POSITION and self.resolved_at is None
        return max(Decimal(0), -Decimal(self.facts.get("difference", 0))) if is_open else Decimal(0)
