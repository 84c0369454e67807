"""What an account and its live strategies did in a session: one row for each account, and for each strategy, and
session in which it traded or held something."""

from django.db import models

from livetrading.models.account import BrokerAccount
from livetrading.models.live_strategy import LiveStrategy


class DailySummary(models.Model):
    """Dollars as they were at the session's close. today: profit and loss of the session, open positions
    included. realized: of its sales, less its commissions. open_pnl: of what was held at the close. exposure: its
    market value; NULL where it was not kept."""

    account = models.ForeignKey(BrokerAccount, models.CASCADE, related_name="daily_summaries")
    session = models.DateField()
    today = models.DecimalField(max_digits=20, decimal_places=6)
    realized = models.DecimalField(max_digits=20, decimal_places=6)
    open_pnl = models.DecimalField(max_digits=20, decimal_places=6)
    exposure = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    positions = models.PositiveIntegerField()
    fills = models.PositiveIntegerField()
    refusals = models.PositiveIntegerField(help_text="Orders that the desk held back or the broker refused.")
    halts = models.PositiveIntegerField()

    class Meta:
        ordering = ["-session", "-id"]
        verbose_name_plural = "daily summaries"
        constraints = [
            models.UniqueConstraint(fields=["account", "session"], name="daily_summary_one_per_session")
        ]

    def __str__(self) -> str:
        return f"{self.session}: {self.today:+,.2f}"


class StrategySession(models.Model):
    """The same of one live strategy, written with the summary of its account. Dollars: today, and exposure."""

    live_strategy = models.ForeignKey(LiveStrategy, models.CASCADE, related_name="sessions")
    session = models.DateField()
    today = models.DecimalField(max_digits=20, decimal_places=6)
    exposure = models.DecimalField(max_digits=20, decimal_places=6)

    class Meta:
        ordering = ["-session", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["live_strategy", "session"], name="strategy_session_unique")
        ]

    def __str__(self) -> str:
        return f"{self.session}: {self.today:+,.2f}"


class SummarizedSession(models.Model):
    """A session whose accounts all have their summaries, so that nobody looks again."""

    session = models.DateField(primary_key=True)

    def __str__(self) -> str:
        return str(self.session)
