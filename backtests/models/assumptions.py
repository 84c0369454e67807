"""What a backtest and an optimizer run share: symbols, period, capital, rules and costs."""

from datetime import datetime, timedelta

from django.db import models

from tradedesk.core.bars import Timeframe
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.marketdata.models import TIMEFRAMES
from tradedesk.marketdata.sessions import daily_time


class Assumptions(models.Model):
    """A snapshot: together with the strategy and the bars in `provenance`, enough to run it again."""

    symbols = models.JSONField(default=list)
    timeframe = models.CharField(max_length=6, choices=TIMEFRAMES, default=Timeframe.DAY.value)
    start_date = models.DateField()
    end_date = models.DateField()
    initial_capital = models.DecimalField(max_digits=20, decimal_places=6)
    # The symbol that the evidence compares with; "" for the tested symbols, bought and held.
    compare_with = models.CharField(max_length=15, blank=True)
    rules = models.JSONField(default=dict)
    costs = models.JSONField(default=dict)
    # {"version", "kind_code", "engine_code", "data": {symbol: {"provider", "fingerprint", "count"}}}; the bars are
    # those up to the end of the period. Of a backtest, services/record.py writes it when the run completes, and
    # services/repeat.py adds to it when it repeats another one.
    provenance = models.JSONField(default=dict)

    class Meta:
        abstract = True

    @property
    def period(self) -> tuple[datetime, datetime]:
        """The first and the last time at which a bar of the period may open: whole days in New York."""
        midnight_after = daily_time(self.end_date + timedelta(days=1))
        return daily_time(self.start_date), midnight_after - timedelta(microseconds=1)

    def risk_rules(self) -> RiskRules:
        return RiskRules.from_dict(self.rules)

    def cost_rules(self) -> Costs:
        return Costs.from_dict(self.costs)
