"""An optimizer run: a ranking of strategies, or a search of one strategy's parameters."""

from datetime import date

from django.conf import settings
from django.db import models

from backtests.models.assumptions import Assumptions
from strategies.kinds import kinds, named_parameters
from strategies.models import Strategy
from tradedesk.core.rules import RiskRules, fully_invested

# The universe of all symbols of the run together: a portfolio, or a kind that ranks symbols against each other.
ALL_SYMBOLS = "*"


class OptimizerRun(Assumptions):
    class Job(models.TextChoices):
        RANK = "rank", "Rank strategies"
        SEARCH = "search", "Search parameters"

    class Method(models.TextChoices):
        GRID = "grid", "Full grid"
        RANDOM = "random", "Random"
        TPE = "tpe", "Optuna TPE"

    class Scope(models.TextChoices):
        """What a search tests of a kind that decides for each symbol by itself."""

        EACH = "each", "Each symbol alone"
        PORTFOLIO = "portfolio", "All symbols as one portfolio"
        BOTH = "both", "Both"

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    FINISHED = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="optimizer_runs")
    job = models.CharField(max_length=6, choices=Job)

    # A search: the strategy and its grid. Snapshots, because the strategy may change.
    strategy = models.ForeignKey(Strategy, models.SET_NULL, null=True, blank=True, related_name="optimizer_runs")
    strategy_name = models.CharField(max_length=80, blank=True)
    kind = models.CharField(max_length=40, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    method = models.CharField(max_length=6, choices=Method, blank=True)
    scope = models.CharField(max_length=9, choices=Scope, default=Scope.EACH)
    # {name: [low, high, step]}
    grid = models.JSONField(default=dict, blank=True)
    trials = models.PositiveIntegerField(null=True, blank=True)
    seed = models.PositiveIntegerField(default=0)
    # The last fraction of the sessions, which the search does not use.
    holdout = models.FloatField(default=0.0)

    # A ranking: [{"strategy_id": int or null, "name", "kind", "parameters"}]
    ranked_strategies = models.JSONField(default=list, blank=True)

    objective = models.CharField(max_length=13)
    weights = models.JSONField(default=dict, blank=True)
    # Candidates with fewer closed trades rank below the others.
    min_trades = models.PositiveIntegerField(default=10)
    # Over all universes; for a grid it includes the combinations that the kind's own rule refuses.
    combinations = models.PositiveBigIntegerField()

    # The run. Times are wall times, not market times.
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    stage = models.CharField(max_length=40, blank=True)
    done = models.PositiveBigIntegerField(default=0)
    # Seconds that workers have spent on the chunks that are done; pauses do not count.
    worker_seconds = models.FloatField(default=0.0)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField()

    # By universe: {"edges", "counts"} of all scores, and "tested", the number of combinations.
    histograms = models.JSONField(default=dict, blank=True)
    # By universe, once created: {"start", "warmup", "combinations", "left_out", "limit", "values"}, a CommonStart.
    starts = models.JSONField(default=dict, blank=True)
    # Whether the evidence of the best candidates is stored.
    evidence_computed = models.BooleanField(default=False)
    # Every combination with its figures: one Parquet file in the storage “research”.
    results_path = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["user", "-id"]), models.Index(fields=["status", "heartbeat_at"])]
        constraints = [
            models.CheckConstraint(condition=models.Q(initial_capital__gt=0), name="optimizer_capital_above_zero"),
            models.CheckConstraint(
                condition=models.Q(start_date__lt=models.F("end_date")), name="optimizer_dates_in_order"
            ),
            models.CheckConstraint(
                condition=models.Q(holdout__gte=0, holdout__lt=1), name="optimizer_holdout_below_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_job_display()} {self.start_date} to {self.end_date}"

    @property
    def is_finished(self) -> bool:
        return self.status in self.FINISHED

    @property
    def is_search(self) -> bool:
        return self.job == self.Job.SEARCH

    @property
    def title(self) -> str:
        return f"Search of {self.strategy_name}" if self.is_search else "Ranking"

    def symbols_of(self, universe: str) -> list[str]:
        return list(self.symbols) if universe == ALL_SYMBOLS else [universe]

    def start_on(self, universe: str) -> date:
        """The first day that the rows of a universe are scored from: after the longest warm-up of the run."""
        return date.fromisoformat(self.starts[universe]["start"]) if universe in self.starts else self.start_date

    def rules_on(self, universe: str) -> RiskRules:
        """The run's rules; what is not set has the default of a backtest of the universe's symbols."""
        return RiskRules.from_dict(fully_invested(len(self.symbols_of(universe))) | self.rules)

    @property
    def named_grid(self) -> dict[str, list[int | float | str]]:
        """The ranges with the words of choices, as in the API."""
        kind = kinds().get(self.kind)
        lows, highs = (
            named_parameters(kind, {name: each[end] for name, each in self.grid.items()}) for end in (0, 1)
        )
        return {name: [lows[name], highs[name], each[2]] for name, each in self.grid.items()}

    @property
    def progress(self) -> int:
        """0 to 100, by combinations."""
        return min(100 * self.done // self.combinations, 100) if self.combinations else 0


class OptimizerChunk(models.Model):
    """Consecutive combinations of a run in one universe. A worker claims one chunk at a time; a crash loses only
    that chunk."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"

    run = models.ForeignKey(OptimizerRun, models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    # A symbol, or ALL_SYMBOLS.
    universe = models.CharField(max_length=15)
    first = models.PositiveBigIntegerField()
    size = models.PositiveIntegerField()
    status = models.CharField(max_length=7, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Once done: the first and the last session that it used.
    used_from = models.DateField(null=True, blank=True)
    used_until = models.DateField(null=True, blank=True)
    # While running the last heartbeat; while queued the time it was last enqueued, NULL before that.
    heartbeat_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["run", "number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="optimizer_chunk_once")]
        indexes = [models.Index(fields=["run", "status", "number"])]

    def __str__(self) -> str:
        return f"{self.universe} {self.first}..{self.first + self.size - 1}"
