"""A strategy: a kind with its parameters, and the symbols it trades."""

from django.conf import settings
from django.db import models

from strategies.configured_kind import ConfiguredKind
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.models import TIMEFRAMES


class Strategy(ConfiguredKind):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="strategies")
    name = models.CharField(max_length=80)
    symbols = models.JSONField(default=list, blank=True)
    timeframe = models.CharField(max_length=6, choices=TIMEFRAMES, default=Timeframe.DAY.value)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        verbose_name_plural = "strategies"

    def __str__(self) -> str:
        return self.name
