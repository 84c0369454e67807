"""Positions: what an account holds of a symbol through the desk, the sum of its open lots."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class BasePosition(models.Model):
    """One row per user and symbol, written by reconcile alone; gone when nothing is held."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="%(class)ss")
    symbol = models.CharField(max_length=15)
    quantity = models.DecimalField(max_digits=20, decimal_places=6)
    average_price = models.DecimalField(max_digits=20, decimal_places=6)
    updated_at = models.DateTimeField(help_text="Market time.")

    class Meta:
        abstract = True
        ordering = ["symbol"]
        constraints = [
            models.UniqueConstraint(fields=["user", "symbol"], name="%(class)s_one_per_symbol"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="%(class)s_above_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} {self.symbol}"


class PaperPosition(BasePosition):
    class Meta(BasePosition.Meta):
        pass


class LivePosition(BasePosition):
    class Meta(BasePosition.Meta):
        pass
