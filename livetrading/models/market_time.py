"""What a broker says of the days and of the time, where the desk compares its own with it."""

from django.db import models
from django.db.models import F, Q


class MarketDay(models.Model):
    """A day on which the broker's calendar differs from the installed one: closed, or with other hours. Written by
    services/broker_time.py."""

    # Of New York.
    day = models.DateField(primary_key=True)
    # Both empty: there is no session.
    opens = models.DateTimeField(null=True, blank=True)
    closes = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["day"]
        constraints = [
            models.CheckConstraint(
                condition=Q(opens=None, closes=None) | Q(opens__lt=F("closes")), name="market_day_in_order"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day}{'' if self.opens else ' (closed)'}"


class TimeComparison(models.Model):
    """How the last comparison with a broker's clock and calendar went; one row. All times are wall times."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    # The last attempt, which keeps others from trying at the same time, and why it has failed.
    tried_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)
    # Seconds by which the desk's clock is ahead, negative when it is behind, and when that was measured.
    ahead = models.FloatField(default=0.0)
    clock_at = models.DateTimeField(null=True, blank=True)
    # The last comparison of the calendars, and why the broker's was not believed.
    calendar_at = models.DateTimeField(null=True, blank=True)
    doubt = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="time_comparison_is_one")]

    def __str__(self) -> str:
        return f"{self.ahead:+.1f} s"
