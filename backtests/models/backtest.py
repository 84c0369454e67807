"""A backtest: the snapshot of its inputs, its state while it runs, and its headline results."""

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from backtests.models.assumptions import Assumptions
from strategies.configured_kind import ConfiguredKind
from strategies.models import Strategy


class Backtest(ConfiguredKind, Assumptions):
    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    FINISHED = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="backtests")
    strategy = models.ForeignKey(Strategy, models.SET_NULL, null=True, blank=True, related_name="backtests")

    # The candidate of an optimizer run that was opened as this backtest.
    candidate = models.ForeignKey(
        "backtests.Candidate", models.SET_NULL, null=True, blank=True, related_name="backtests"
    )

    # The snapshot: together with the assumptions, enough to run it again.
    strategy_name = models.CharField(max_length=80)

    # The run. Times are wall times, not market times.
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    progress = models.PositiveSmallIntegerField(
        default=0, validators=[MinValueValidator(0), MaxValueValidator(100)]
    )
    stage = models.CharField(max_length=80, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # The last heartbeat: also set when the backtest or its evidence is enqueued again.
    heartbeat_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)

    # The headline results (Metrics.as_dict: fractions, ratios, dollars), those of buy and hold, and those of the
    # same run at doubled costs; empty until completed.
    metrics = models.JSONField(default=dict, blank=True)
    buy_and_hold = models.JSONField(default=dict, blank=True)
    doubled_costs = models.JSONField(default=dict, blank=True)
    # The number of BUY signals by outcome (engine.results.Result.buy_signals).
    buy_signals = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["user", "-id"]), models.Index(fields=["status", "heartbeat_at"])]
        constraints = [
            models.CheckConstraint(condition=models.Q(initial_capital__gt=0), name="backtest_capital_above_zero"),
            models.CheckConstraint(
                condition=models.Q(start_date__lt=models.F("end_date")), name="backtest_dates_in_order"
            ),
            models.CheckConstraint(condition=models.Q(progress__lte=100), name="backtest_progress_to_100"),
        ]

    def __str__(self) -> str:
        return f"{self.strategy_name} {self.start_date} to {self.end_date}"

    @property
    def is_finished(self) -> bool:
        return self.status in self.FINISHED

    @property
    def days(self) -> int | None:
        """Calendar days from the first to the last session; None before it is completed."""
        days: int | None = self.metrics.get("days")
        return days

    @property
    def is_deployable(self) -> bool:
        """Completed with a positive total return: then the page offers Deploy to Live."""
        return self.status == self.Status.COMPLETED and (self.metrics.get("total_return") or 0) > 0

    @property
    def benchmark_name(self) -> str:
        """What `buy_and_hold` is: equal amounts of all symbols, bought at the start."""
        return "Equal-weight hold" if len(self.symbols) > 1 else "Buy and hold"

    @property
    def repeats(self) -> dict[str, Any] | None:
        """The backtest that this one repeats, {"backtest": its id, "result": its result hash}; None for no
        other."""
        repeats: dict[str, Any] | None = self.provenance.get("repeats")
        return repeats
