"""What every check saw and decided: one row for each live strategy, symbol and evaluated bar."""

from django.db import models

from livetrading.models.decision_code import decision_codes
from livetrading.models.live_strategy import LiveStrategy
from livetrading.models.signal import SignalHistory


class BarDecision(models.Model):
    class Side(models.TextChoices):
        BUY = "buy", "Buy"
        HOLD = "hold", "Hold"
        SELL = "sell", "Sell"

    live_strategy = models.ForeignKey(LiveStrategy, models.CASCADE, related_name="decisions")
    signal = models.OneToOneField(SignalHistory, models.SET_NULL, null=True, blank=True, related_name="decision")
    symbol = models.CharField(max_length=15)
    bar_time = models.DateTimeField()
    close = models.DecimalField(max_digits=20, decimal_places=6)
    # The values of the kind's indicators at this bar, by their names.
    indicators = models.JSONField(default=dict, blank=True)
    side = models.CharField(max_length=4, choices=Side)
    strength = models.FloatField()
    explanation = models.CharField(max_length=200)
    code = models.CharField(max_length=24, choices=decision_codes)
    # What it was decided from, so that it can be decided again (pipeline/basis.py).
    basis = models.JSONField(default=dict, blank=True)
    # What became of it, in one sentence.
    sentence = models.CharField(max_length=300)
    checked_at = models.DateTimeField(help_text="Market time.")
    # Market time; then the row is deleted.
    kept_until = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["live_strategy", "-id"]), models.Index(fields=["kept_until"])]
        constraints = [
            # A repeated check of the same bar cannot write a second row.
            models.UniqueConstraint(
                fields=["live_strategy", "symbol", "bar_time"], name="decision_unique_per_bar"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.symbol} {self.bar_time:%Y-%m-%d %H:%M}"
