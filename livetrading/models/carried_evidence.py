"""Carried evidence: the copy that a live strategy keeps of the evidence that it was deployed with."""

from django.db import models

from livetrading.models.live_strategy import LiveStrategy
from tradedesk.marketdata.models import TIMEFRAMES


class CarriedEvidence(models.Model):
    """It stays when the backtest or the search is deleted. In a table of its own, because a check reads the live
    strategy often and never this."""

    live_strategy = models.OneToOneField(LiveStrategy, models.CASCADE, related_name="carried_evidence")
    # The JSON of backtests.research.robustness.report, and what the trials are counted for.
    report = models.JSONField()
    symbols = models.JSONField()
    timeframe = models.CharField(max_length=6, choices=TIMEFRAMES)
    start_date = models.DateField()
    end_date = models.DateField()
    computed_at = models.DateTimeField(help_text="Wall time.")

    class Meta:
        verbose_name_plural = "carried evidence"

    def __str__(self) -> str:
        return f"Evidence of {self.live_strategy}"
