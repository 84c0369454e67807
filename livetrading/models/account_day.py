"""What an account was worth at the end of each day: its equity history."""

from decimal import Decimal

from django.db import models

from livetrading.models.account import BrokerAccount


class AccountDay(models.Model):
    """Dollars. equity: the broker's last report of that day in New York. start: what the day is measured from, the
    last report of the day before and what was paid in or out since. Written by pipeline.balance when the first
    report of a later day arrives; today's figures are in the account itself."""

    account = models.ForeignKey(BrokerAccount, models.CASCADE, related_name="days")
    day = models.DateField()
    start = models.DecimalField(max_digits=20, decimal_places=6)
    equity = models.DecimalField(max_digits=20, decimal_places=6)

    class Meta:
        ordering = ["-day"]
        constraints = [models.UniqueConstraint(fields=["account", "day"], name="account_day_once")]

    def __str__(self) -> str:
        return f"{self.day}: {self.equity:,.2f}"

    @property
    def pnl(self) -> Decimal:
        return self.equity - self.start

    @property
    def return_fraction(self) -> float | None:
        """Of the equity at the start of the day."""
        return float(self.pnl / self.start) if self.start > 0 else None
