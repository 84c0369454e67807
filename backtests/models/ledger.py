"""The ledger of tries: what a trader has tried on a symbol and period, and how widely the results scattered."""

from django.conf import settings
from django.db import models

from tradedesk.marketdata.models import TIMEFRAMES


class Tries(models.Model):
    """Every backtest and every combination of every search counts, also of those that were deleted since."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tries")
    symbol = models.CharField(max_length=15)
    timeframe = models.CharField(max_length=5, choices=TIMEFRAMES)
    start_date = models.DateField()
    end_date = models.DateField()
    number = models.PositiveBigIntegerField(default=0)
    # Of those with a Sharpe ratio, per session and not per year: how many, their sum and that of their squares.
    measured = models.PositiveBigIntegerField(default=0)
    sharpe_sum = models.FloatField(default=0.0)
    sharpe_squares = models.FloatField(default=0.0)

    class Meta:
        verbose_name_plural = "tries"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "symbol", "timeframe", "start_date", "end_date"], name="tries_one_row_a_period"
            )
        ]

    def __str__(self) -> str:
        return f"{self.number:,} on {self.symbol}, {self.start_date} to {self.end_date}"
