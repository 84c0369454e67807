"""The series of the bar store, and the state of the replay market."""

from django.db import models

from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.parts import TAIL, Part
from tradedesk.marketdata.store import bars_path

TIMEFRAMES = [(timeframe.value, timeframe.value) for timeframe in Timeframe]


class BarSeries(models.Model):
    """The bars of one symbol in one timeframe from one provider. The prices are in the bar store."""

    provider = models.CharField(max_length=20)
    symbol = models.CharField(max_length=15)
    timeframe = models.CharField(max_length=5, choices=TIMEFRAMES)
    # Opening times of the first and the last bar.
    first = models.DateTimeField()
    last = models.DateTimeField()
    count = models.PositiveIntegerField()
    adjusted = models.BooleanField()
    # The parts in their order, each as [period, length, fingerprint]; the tail, if there is one, is the last.
    part_rows = models.JSONField()
    # fingerprint_of_parts: it changes with every bar.
    fingerprint = models.CharField(max_length=64)
    # Wall time of the last change.
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
    def parts(self) -> tuple[Part, ...]:
        return tuple(Part(*row) for row in self.part_rows)

    @property
    def history(self) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.period != TAIL)

    @property
    def tail(self) -> Part | None:
        """The bars since the last compaction; None if there are none."""
        return next((part for part in self.parts if part.period == TAIL), None)

    def path_of(self, part: Part) -> str:
        """The path of a part's file in the bar store."""
        return bars_path(self.provider, self.symbol, self.timeframe, part.period, part.fingerprint)

    @property
    def paths(self) -> list[str]:
        """The paths of all its files in the bar store."""
        return [self.path_of(part) for part in self.parts]

    @property
    def short_fingerprint(self) -> str:
        return self.fingerprint[:12]


class ReplayMarket(models.Model):
    """The one row with the state of the replay; only replay.py writes it."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    # The session whose close is "now".
    session = models.DateField()
    # Wall time since which this session has been shown.
    advanced_at = models.DateTimeField()
    ended = models.BooleanField(default=False)
    # What keeps it from moving on, the wall seconds it has waited for that, and when it last asked.
    waiting_for = models.CharField(max_length=200, blank=True)
    waited_seconds = models.FloatField(default=0.0)
    asked_at = models.DateTimeField(null=True, blank=True)
    # What it did not wait for any longer when it moved to this session.
    moved_without = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = "replay market"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="replay_market_is_one")]

    def __str__(self) -> str:
        return f"{self.session}{' (ended)' if self.ended else ''}"
