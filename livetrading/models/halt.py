"""Halts: what was asked for to stop the trading of an account, and how far it is."""

from django.db import models
from django.db.models import Q

from livetrading.models.account import BrokerAccount

# Still at work, and not lifted.
UNFINISHED = Q(finished_at=None, lifted_at=None)


class Halt(models.Model):
    """One request to stop an account. The account's `entries_stopped_*` columns stay what the gate reads; they are
    set with the first halt, and cleared when the halts are lifted.

    Each action includes the ones before it: flatten cancels the entry orders and stops the entries. All times but
    requested_at are wall times.
    """

    class Action(models.TextChoices):
        ENTRIES = "entries", "Stop entries"
        ORDERS = "orders", "Cancel entry orders"
        FLATTEN = "flatten", "Flatten"

    account = models.ForeignKey(BrokerAccount, models.CASCADE, related_name="halts")
    action = models.CharField(max_length=7, choices=Action)
    requested_by = models.CharField(max_length=150)
    # Only an operator lifts it.
    by_operator = models.BooleanField(default=False)
    reason = models.CharField(max_length=300, blank=True)
    requested_at = models.DateTimeField(help_text="Market time.")
    requested_wall = models.DateTimeField()
    # The first and the last tick that worked on it.
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=150, blank=True)
    # They grow when an order that was already on its way fills or appears meanwhile.
    orders_to_cancel = models.PositiveIntegerField(default=0)
    orders_cancelled = models.PositiveIntegerField(default=0)
    lots_to_sell = models.PositiveIntegerField(default=0)
    lots_sold = models.PositiveIntegerField(default=0)
    # Why the last step did not get further.
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["account", "-id"])]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "action"], condition=UNFINISHED, name="halt_one_unfinished_for_each_action"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} by {self.requested_by}"

    @property
    def is_unfinished(self) -> bool:
        return self.finished_at is None and self.lifted_at is None

    @property
    def cancels(self) -> bool:
        return self.action != self.Action.ENTRIES

    @property
    def sells(self) -> bool:
        return self.action == self.Action.FLATTEN

    @property
    def orders_left(self) -> int:
        return self.orders_to_cancel - self.orders_cancelled

    @property
    def lots_left(self) -> int:
        return self.lots_to_sell - self.lots_sold

    @property
    def seconds(self) -> float | None:
        """How long it took, in seconds of wall time; None while it is at work."""
        return None if self.finished_at is None else (self.finished_at - self.requested_wall).total_seconds()

    @classmethod
    def including(cls, action: str) -> list["Halt.Action"]:
        """The actions that do all that `action` does."""
        actions = list(cls.Action)
        return actions[actions.index(cls.Action(action)) :]
