"""Evidence: the robustness report of a backtest or of an optimizer's row."""

from django.db import models

from backtests.models.backtest import Backtest
from backtests.models.candidate import Candidate


class Evidence(models.Model):
    """findings: what backtests.research.robustness found, as JSON; the luck line is reckoned from it and from the ledger of
    tries when it is read. error: of what could not be examined, why.
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
                name="evidence_is_of_one_thing",
            )
        ]

    def __str__(self) -> str:
        return f"Evidence of {self.backtest or self.candidate}"
