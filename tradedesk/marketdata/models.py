"""What the bar store holds, and how far the replay market has come."""

from django.db import models

from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.store import bars_path

TIMEFRAMES = [(timeframe.value, timeframe.value) for timeframe in Timeframe]


class BarSeries(models.Model):
    """The bars of one symbol in one timeframe from one provider. Prices live in the bar store, not here."""

    provider = models.CharField(max_length=20)
    symbol = models.CharField(max_length=15)
    timeframe = models.CharField(max_length=5, choices=TIMEFRAMES)
    # Opening times of the first and the last bar.
    first = models.DateTimeField()
    last = models.DateTimeField()
    count = models.PositiveIntegerField()
    adjusted = models.BooleanField()
    # SHA-256 of the bars themselves; it also names their file in the store.
    fingerprint = models.CharField(max_length=64)
    # Wall time: when the bars arrived has nothing to do with the market's clock.
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["symbol", "timeframe", "provider"]
        verbose_name_plural = "bar series"
        constraints = [
            models.UniqueConstraint(fields=["provider", "symbol", "timeframe"], name="bar_series_unique"),
            models.CheckConstraint(condition=models.Q(count__gt=0), name="bar_series_has_bars"),
            models.CheckConstraint(
                condition=models.Q(first__lte=models.F("last")), name="bar_series_times_in_order"
            ),
        ]
        indexes = [models.Index(fields=["symbol", "timeframe"])]

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} ({self.provider})"

    @property
    def path(self) -> str:
        """Where the bar store keeps the bars."""
        return bars_path(self.provider, self.symbol, self.timeframe, self.fingerprint)

    @property
    def short_fingerprint(self) -> str:
        return self.fingerprint[:12]


class ReplayMarket(models.Model):
    """The one row that says where the replay stands; replay.py is its only writer."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    # The session whose close is "now".
    session = models.DateField()
    # Wall time since which this session has been shown.
    advanced_at = models.DateTimeField()
    ended = models.BooleanField(default=False)

    class Meta:
        verbose_name = "replay market"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="replay_market_is_one")]

    def __str__(self) -> str:
        return f"{self.session}{' (ended)' if self.ended else ''}"
