"""A live strategy compared with the backtest of the same stretch, as a worker computed it last."""

from datetime import timedelta
from decimal import Decimal

from django.db import models

from livetrading.models.live_strategy import LiveStrategy
from livetrading.models.signal import OrderSide


class Comparison(models.Model):
    """One row for each live strategy, written by beside/compute.py. claimed_at and computed_at are wall times,
    as_of is market time. session and realized_pnl: those that it was computed for; another session or another
    amount makes it due."""

    live_strategy = models.OneToOneField(LiveStrategy, models.CASCADE, related_name="comparison")
    claimed_at = models.DateTimeField(null=True, blank=True)
    # Claims in a row that ended without a result.
    attempts = models.PositiveSmallIntegerField(default=0)
    session = models.DateField(null=True, blank=True)
    realized_pnl = models.DecimalField(max_digits=20, decimal_places=6, default=Decimal(0))
    computed_at = models.DateTimeField(null=True, blank=True)
    as_of = models.DateTimeField(null=True, blank=True)
    took = models.DurationField(default=timedelta(0))
    # Why it could not be computed, in words; the figures are then those of the last time.
    error = models.CharField(max_length=300, blank=True)
    figures = models.JSONField(default=dict, blank=True)
    # The tested trades that are expected again (beside/expectation.py): they stay when the backtest is deleted.
    expected = models.JSONField(default=list, blank=True)
    # The curves in columns (beside/figures.py). Of neither does a page read anything.
    columns = models.JSONField(default=dict, blank=True)
    # The side on which the profit is outside the expected range, as it was reported; "" inside.
    outside = models.CharField(max_length=5, blank=True)

    class Meta:
        indexes = [models.Index(fields=["session"])]

    def __str__(self) -> str:
        return f"Comparison of {self.live_strategy_id}"


class ComparedFill(models.Model):
    """A fill of live beside that of the backtest; a missed one has no live side, an extra one no tested side."""

    class Match(models.TextChoices):
        """The order of the table. The values are those of beside.matching."""

        IDENTICAL = "identical", "Identical"
        LATE = "late", "Late"
        MISSED = "missed", "Missed"
        EXTRA = "extra", "Extra"
        PRICE = "price", "Price difference"

    comparison = models.ForeignKey(Comparison, models.CASCADE, related_name="fills")
    # In the order of time, the first one is 1.
    number = models.PositiveIntegerField()
    # Market time: of the live fill, else of the bar of the backtest's.
    time = models.DateTimeField()
    symbol = models.CharField(max_length=15)
    side = models.CharField(max_length=4, choices=OrderSide)
    quantity = models.FloatField(null=True, blank=True)
    tested_quantity = models.FloatField(null=True, blank=True)
    price = models.FloatField(null=True, blank=True)
    tested_price = models.FloatField(null=True, blank=True)
    match = models.CharField(max_length=9, choices=Match)
    # Why it is not identical, in words.
    reason = models.CharField(max_length=200, blank=True)
    # Dollars that live has more than the backtest because of it.
    effect = models.FloatField()
    # Of a sale: what its trade has made, in dollars.
    pnl = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["-number"]
        indexes = [models.Index(fields=["comparison", "match", "-number"])]
        constraints = [models.UniqueConstraint(fields=["comparison", "number"], name="compared_fill_number_once")]

    def __str__(self) -> str:
        return f"{self.match} {self.side} {self.symbol}"

    @property
    def difference(self) -> float | None:
        """Dollars a share, without a sign; None where one side is missing."""
        if self.price is None or self.tested_price is None:
            return None
        return abs(self.price - self.tested_price)

    @property
    def other_size(self) -> bool:
        """Whether live and backtest traded different numbers of shares."""
        return None not in (self.quantity, self.tested_quantity) and self.quantity != self.tested_quantity
