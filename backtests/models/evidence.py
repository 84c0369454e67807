"""Evidence: the robustness report of a backtest or of an optimizer's row."""

from django.db import models

from backtests.models.backtest import Backtest
from backtests.models.candidate import Candidate


class Evidence(models.Model):
    """report: the JSON of backtests.research.robustness.report. The line of chance is computed from it and
    from the trial registry whenever it is read. error: why the report could not be computed.
    """

    backtest = models.OneToOneField(Backtest, models.CASCADE, null=True, blank=True, related_name="evidence")
    candidate = models.OneToOneField(Candidate, models.CASCADE, null=True, blank=True, related_name="evidence")
    report = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    # Wall time.
    computed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "evidence"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(backtest__isnull=True) ^ models.Q(candidate__isnull=True),
                name="evidence_has_one_subject",
            )
        ]

    def __str__(self) -> str:
        return f"Evidence of {self.backtest or self.candidate}"
