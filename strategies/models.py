"""A strategy: a kind with its parameters, and the symbols it is meant for."""

from django.conf import settings
from django.db import models

from strategies.kinds import Kind, kinds, make_kind, summary
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.models import TIMEFRAMES


class Strategy(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="strategies")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict, blank=True)
    symbols = models.JSONField(default=list, blank=True)
    timeframe = models.CharField(max_length=5, choices=TIMEFRAMES, default=Timeframe.DAY.value)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        verbose_name_plural = "strategies"

    def __str__(self) -> str:
        return self.name

    @property
    def kind_name(self) -> str:
        """The kind as the field calls it; a kind that is no longer installed keeps its key."""
        return kinds()[self.kind].name if self.kind in kinds() else self.kind

    @property
    def parameter_summary(self) -> str:
        return ", ".join(summary(self.parameters))

    def make_kind(self) -> Kind:
        """The kind, made with this strategy's parameters. Raises InvalidParameters."""
        return make_kind(self.kind, self.parameters)
