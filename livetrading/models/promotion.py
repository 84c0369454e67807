"""A promotion: a live strategy that a paper deployment has become, and when its size is raised."""

from django.db import models
from django.db.models import Q

from livetrading.models.live_strategy import LiveStrategy

MIN_RAISE_AFTER, MAX_RAISE_AFTER = 10, 500


class Promotion(models.Model):
    """In a table of its own, because a check reads the live strategy often and never this. The size that it trades
    now is LiveStrategy.size_fraction, the deployment on paper LiveStrategy.promoted_from."""

    live_strategy = models.OneToOneField(LiveStrategy, models.CASCADE, related_name="promotion")
    # The fraction of the size that it began with.
    first_fraction = models.FloatField()
    # The full size is traded after so many closed trades like the tested ones; NULL: only by hand.
    raise_after = models.PositiveSmallIntegerField(null=True, blank=True)
    # The returns of the closed trades of its backtest, fractions of the cost; they stay when that is deleted.
    tested_returns = models.JSONField(default=list)
    # The closed trades at the last comparison with the tested ones, and what came of it in words.
    judged_trades = models.PositiveIntegerField(default=0)
    finding = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(raise_after=None) | Q(raise_after__range=(MIN_RAISE_AFTER, MAX_RAISE_AFTER)),
                name="promotion_raise_after_bounds",
            ),
        ]

    def __str__(self) -> str:
        return f"Promotion of {self.live_strategy}"
