"""A trader's own defaults for new backtests and optimizer runs."""

from django.conf import settings
from django.db import models


class BacktestDefaults(models.Model):
    """values: rules and costs by name, as core.rules declares them; None is one that is off. A trader without a
    row has the defaults of the declarations."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="backtest_defaults"
    )
    initial_capital = models.DecimalField(max_digits=20, decimal_places=6)
    values = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "backtest defaults"

    def __str__(self) -> str:
        return f"Defaults of {self.user}"
