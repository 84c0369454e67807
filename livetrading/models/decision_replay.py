"""The decisions of a session, made again the night after from the bars as they are stored then."""

from django.db import models

from livetrading.models.live_strategy import LiveStrategy


class DecisionReplay(models.Model):
    """One row for each live strategy and session. fills: of orders from decisions of the desk, in this session.
    error: why it could not be done, in words; then the numbers say nothing."""

    live_strategy = models.ForeignKey(LiveStrategy, models.CASCADE, related_name="replays")
    session = models.DateField()
    decisions = models.PositiveIntegerField(default=0)
    identical = models.PositiveIntegerField(default=0)
    fills = models.PositiveIntegerField(default=0)
    fills_as_expected = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    # Market time and wall time.
    replayed_at = models.DateTimeField()
    replayed_wall_at = models.DateTimeField()
    took = models.DurationField()
    # Market time; then the row is deleted, with its differences.
    kept_until = models.DateTimeField()

    class Meta:
        ordering = ["-session", "-id"]
        indexes = [models.Index(fields=["kept_until"])]
        constraints = [
            models.UniqueConstraint(fields=["live_strategy", "session"], name="decision_replay_one_per_session")
        ]

    def __str__(self) -> str:
        return f"{self.session}: {self.identical} of {self.decisions}"

    @property
    def different(self) -> int:
        """The number of decisions and fills that differ."""
        return self.decisions - self.identical + self.fills - self.fills_as_expected


class DecisionDifference(models.Model):
    """A decision, or a fill, that is another one when it is made again."""

    class Cause(models.TextChoices):
        LATE_CHECK = "late_check", "Late check"
        DATA_CORRECTED = "data_corrected", "Data corrected"
        CODE_CHANGED = "code_changed", "Code changed"
        BROKERS_PRICE = "brokers_price", "Broker's price"
        UNEXPLAINED = "unexplained", "Unexplained"

    replay = models.ForeignKey(DecisionReplay, models.CASCADE, related_name="differences")
    symbol = models.CharField(max_length=15)
    bar_time = models.DateTimeField()
    cause = models.CharField(max_length=14, choices=Cause)
    text = models.CharField(max_length=300)
    # {"then": {name: value}, "now": {name: value}}: both sides by the same names.
    evidence = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.cause} {self.symbol}"

    def sides(self) -> list[tuple[str, object, object]]:
        """The evidence as rows: name, then, now; a dash for what one side does not have."""
        then, now = self.evidence.get("then", {}), self.evidence.get("now", {})
        return [(name, then.get(name, "—"), now.get(name, "—")) for name in dict.fromkeys([*then, *now])]
