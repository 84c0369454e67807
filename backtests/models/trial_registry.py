"""The trial registry: what a trader has tried on a symbol and period, and the best that chance would show."""

from django.conf import settings
from django.db import models

from tradedesk.marketdata.models import TIMEFRAMES


class TrialRegistry(models.Model):
    """Every backtest and every combination of every search counts, even after it is deleted."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="trial_registry")
    symbol = models.CharField(max_length=15)
    timeframe = models.CharField(max_length=6, choices=TIMEFRAMES)
    start_date = models.DateField()
    end_date = models.DateField()
    # All that were run, a repeated one again.
    trials = models.PositiveBigIntegerField(default=0)
    # Distinct results, as research.robustness.distinct keeps them.
    sketch = models.BinaryField(default=bytes)
    # M (B,) of research.robustness.chance, float32; empty until the first trial that is compared.
    maxima = models.BinaryField(default=bytes)
    # The trials with a Sharpe ratio (per session, not per year): their number, sum and sum of squares.
    trials_with_sharpe = models.PositiveBigIntegerField(default=0)
    sharpe_sum = models.FloatField(default=0.0)
    sharpe_squares = models.FloatField(default=0.0)

    class Meta:
        verbose_name_plural = "trial registry"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "symbol", "timeframe", "start_date", "end_date"],
                name="trial_registry_one_row_per_period",
            )
        ]

    def __str__(self) -> str:
        return f"{self.trials:,} on {self.symbol}, {self.start_date} to {self.end_date}"
