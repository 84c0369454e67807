"""Signal history: every BUY and SELL of a live strategy, with the outcome."""

from django.conf import settings
from django.db import models

from livetrading.models.decision_code import decision_codes
from livetrading.models.live_strategy import LiveStrategy


class OrderSide(models.TextChoices):
    BUY = "buy", "Buy"
    SELL = "sell", "Sell"


# The reason of a signal that waits for a person, until its execution by hand is refused.
WAITS = "It waits for your approval: automatic execution is off for this strategy."


class SignalHistory(models.Model):
    class Outcome(models.TextChoices):
        ORDERED = "ordered", "Ordered"
        REFUSED = "refused", "Refused"
        RECORDED = "recorded", "Recorded only"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="signals")
    live_strategy = models.ForeignKey(LiveStrategy, models.CASCADE, related_name="signals")
    symbol = models.CharField(max_length=15)
    bar_time = models.DateTimeField()
    side = models.CharField(max_length=4, choices=OrderSide)
    strength = models.FloatField()
    price = models.DecimalField(max_digits=20, decimal_places=6, help_text="The close of the bar.")
    explanation = models.CharField(max_length=200)
    outcome = models.CharField(max_length=8, choices=Outcome)
    # What became of it; changes when its order ends without a fill. Filters read it.
    code = models.CharField(max_length=24, choices=decision_codes, blank=True, default="")
    # Why there is no order; empty when there is an order.
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    # Of one that waits for a person: when the next bar closes, and it is too late to enter. Market time.
    waits_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "signal history"
        indexes = [
            models.Index(fields=["user", "-id"]),
            models.Index(fields=["live_strategy", "-id"]),
            models.Index(fields=["user", "code", "-id"]),
            # The live pages count those of the day.
            models.Index(fields=["user", "created_at"]),
            models.Index(fields=["user", "symbol", "-id"]),
            models.Index(fields=["user", "-id"], condition=models.Q(outcome="recorded"), name="signal_recorded"),
        ]
        constraints = [
            # A repeated check of the same bar cannot write a second row.
            models.UniqueConstraint(
                fields=["live_strategy", "symbol", "bar_time", "side"], name="signal_unique_per_bar"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.symbol} {self.bar_time:%Y-%m-%d %H:%M}"

    @property
    def refusal(self) -> str:
        """Why the last execution by hand was refused; "" for one that just waits, or waits no more."""
        return self.reason if self.outcome == self.Outcome.RECORDED and self.reason != WAITS else ""
