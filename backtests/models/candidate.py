"""A candidate: one row of an optimizer's result, a strategy or a combination of parameters with its figures."""

from textwrap import shorten

from django.db import models

from backtests.models.optimizer_run import OptimizerRun
from strategies.configured_kind import ConfiguredKind
from strategies.models import Strategy

NAME_LENGTH = 80


class Candidate(ConfiguredKind):
    """Of a search the best of each universe are kept here; the rest stand in the run's Parquet file."""

    run = models.ForeignKey(OptimizerRun, models.CASCADE, related_name="candidates")
    # A symbol, or ALL_SYMBOLS.
    universe = models.CharField(max_length=15)
    # Of a search the place in its grid, of a ranking that of the candidate_strategy.
    number = models.PositiveBigIntegerField()
    strategy = models.ForeignKey(Strategy, models.SET_NULL, null=True, blank=True, related_name="candidates")
    name = models.CharField(max_length=NAME_LENGTH)
    # Enough trades, enough bars for the warm-up, and a score: else it stands below all that have them.
    eligible = models.BooleanField()
    score = models.FloatField(null=True, blank=True)
    # Of a search the median score of the combinations one step around; NULL before they were looked at.
    neighbours = models.FloatField(null=True, blank=True)
    # In the API's names, fractions as percent; of a search on the sessions that it saw.
    figures = models.JSONField(default=dict)

    class Meta:
        ordering = ["run", "universe", "-eligible", models.F("score").desc(nulls_last=True), "number"]
        constraints = [models.UniqueConstraint(fields=["run", "universe", "number"], name="candidate_once")]

    def __str__(self) -> str:
        return f"{self.name} ({self.parameter_summary})" if self.parameters else self.name

    @property
    def title(self) -> str:
        """What its backtest and deployment are called: the strategy's name alone stands for other parameters."""
        varied = self.run.is_search and self.parameters != self.run.parameters
        return shorten(str(self), NAME_LENGTH, placeholder=" …") if varied else self.name

    @property
    def symbols(self) -> list[str]:
        """What it was tried on, and what it is deployed on."""
        return self.run.symbols_of(self.universe)
