"""What an account did in a session: one row for each account and session with trading."""

from django.db import models

from livetrading.models.account import BrokerAccount


class DailySummary(models.Model):
    """Dollars as they were at the session's close. today: profit and loss of the session, open positions
    included. realized: of its sales, less its commissions. open_pnl: of what was held at the close."""

    account = models.ForeignKey(BrokerAccount, models.CASCADE, related_name="daily_summaries")
    session = models.DateField()
    today = models.DecimalField(max_digits=20, decimal_places=6)
    realized = models.DecimalField(max_digits=20, decimal_places=6)
    open_pnl = models.DecimalField(max_digits=20, decimal_places=6)
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


class SummarizedSession(models.Model):
    """A session whose accounts all have their summaries, so that nobody looks again."""

    session = models.DateField(primary_key=True)

    def __str__(self) -> str:
        return str(self.session)
