"""Positions: the shares of a symbol that an account holds through the desk, the sum of its open lots."""

from django.db import models
from django.db.models import Q

from livetrading.models.account import BrokerAccount
from tradedesk.core.money import SHARE_PLACES


class BasePosition(models.Model):
    """One row for each account and symbol; deleted when nothing is held. Written by pipeline.reconcile only."""

    account = models.ForeignKey(BrokerAccount, models.CASCADE, related_name="%(class)ss")
    symbol = models.CharField(max_length=15)
    quantity = models.DecimalField(max_digits=20, decimal_places=SHARE_PLACES)
    average_price = models.DecimalField(max_digits=20, decimal_places=6)
    updated_at = models.DateTimeField(help_text="Market time.")

    class Meta:
        abstract = True
        ordering = ["symbol"]
        constraints = [
            models.UniqueConstraint(fields=["account", "symbol"], name="%(class)s_unique_symbol"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="%(class)s_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} {self.symbol}"


class PaperPosition(BasePosition):
    class Meta(BasePosition.Meta):
        pass


class LivePosition(BasePosition):
    class Meta(BasePosition.Meta):
        pass


def position_model(account: BrokerAccount) -> type[PaperPosition] | type[LivePosition]:
    return PaperPosition if account.is_paper else LivePosition
