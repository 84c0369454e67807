"""Positions: the shares of a symbol that an account holds through the desk, the sum of its open lots."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class BasePosition(models.Model):
    """One row for each user and symbol; deleted when nothing is held. Written by pipeline.reconcile only."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="%(class)ss")
    symbol = models.CharField(max_length=15)
    quantity = models.DecimalField(max_digits=20, decimal_places=6)
    average_price = models.DecimalField(max_digits=20, decimal_places=6)
    updated_at = models.DateTimeField(help_text="Market time.")

    class Meta:
        abstract = True
        ordering = ["symbol"]
        constraints = [
            models.UniqueConstraint(fields=["user", "symbol"], name="%(class)s_unique_symbol"),
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
