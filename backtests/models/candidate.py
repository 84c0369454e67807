"""A candidate: one row of an optimizer run, a strategy or a combination of parameters with its figures."""

from textwrap import shorten

from django.db import models

from backtests.models.optimizer_run import OptimizerRun
from strategies.configured_kind import ConfiguredKind
from strategies.models import Strategy

NAME_LENGTH = 80


class Candidate(ConfiguredKind):
    """A search keeps only its best rows of each universe here; its Parquet file has every combination."""

    run = models.ForeignKey(OptimizerRun, models.CASCADE, related_name="candidates")
    # A symbol, or ALL_SYMBOLS.
    universe = models.CharField(max_length=15)
    # In a search the index in the grid, in a ranking the index in `ranked_strategies`.
    number = models.PositiveBigIntegerField()
    strategy = models.ForeignKey(Strategy, models.SET_NULL, null=True, blank=True, related_name="candidates")
    name = models.CharField(max_length=NAME_LENGTH)
    # Whether it has enough trades, enough bars for the warm-up, and a score; the others rank below.
    eligible = models.BooleanField()
    score = models.FloatField(null=True, blank=True)
    # In a search the median score of the combinations one step away; NULL until computed.
    neighbours_score = models.FloatField(null=True, blank=True)
    # Metrics by name (fractions, ratios, dollars); in a search over the in-sample sessions.
    figures = models.JSONField(default=dict)

    class Meta:
        ordering = ["run", "universe", "-eligible", models.F("score").desc(nulls_last=True), "number"]
        constraints = [models.UniqueConstraint(fields=["run", "universe", "number"], name="candidate_once")]

    def __str__(self) -> str:
        return f"{self.name} ({self.parameter_summary})" if self.parameters else self.name

    @property
    def title(self) -> str:
        """The name of its backtest and deployment, with the parameters where they differ from the strategy's
        own."""
        varied = self.run.is_search and self.parameters != self.run.parameters
        return shorten(str(self), NAME_LENGTH, placeholder=" …") if varied else self.name

    @property
    def symbols(self) -> list[str]:
        """The symbols it was evaluated on, and is deployed on."""
        return self.run.symbols_of(self.universe)
