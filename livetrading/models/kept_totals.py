"""Running totals of trades, so that no page adds up a history."""

from decimal import Decimal

from django.db import models

# The columns, in the order of services.trade_totals.Totals.
TOTALS = ("realized_pnl", "commission_paid", "trades_opened", "trades_won")


class KeptTotals(models.Model):
    """Of all trades of a live strategy or an account. Whatever changes a trade changes them in its transaction,
    under the lock of the account (services/trade_totals.py); `manage.py trade_totals` checks them."""

    # Dollars of all sales, after all commissions paid so far.
    realized_pnl = models.DecimalField(max_digits=20, decimal_places=6, default=Decimal(0))
    commission_paid = models.DecimalField(max_digits=20, decimal_places=6, default=Decimal(0))
    trades_opened = models.PositiveIntegerField(default=0)
    # Closed with a profit.
    trades_won = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True
