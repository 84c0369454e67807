"""The stream of order updates of an account, which makes the desk look at once; it proves nothing."""

from django.db import models

from livetrading.models.account import BrokerAccount


class TradeStream(models.Model):
    """Written by services/trade_updates.py. In a table of its own, so that it waits for no lock of the account."""

    account = models.OneToOneField(BrokerAccount, models.CASCADE, related_name="trade_stream")
    # Wall time at which the connection was seen to work; empty while there is none.
    seen_at = models.DateTimeField(null=True, blank=True)
    # Market time of the last message: until a reconciliation begins later than that, the account is due.
    nudged_at = models.DateTimeField(null=True, blank=True)
    # Why there is no connection.
    problem = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.account_id}: {self.seen_at or 'not connected'}"
