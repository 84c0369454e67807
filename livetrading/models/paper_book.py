"""The simulated broker's own records: a cash ledger, its orders and its fills.

The desk never reads these tables for its own records; it calls the simulated broker like any other broker.
"""

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q

from livetrading.models.account import BrokerAccount
from livetrading.models.signal import OrderSide
from tradedesk.core.rules import Costs
from tradedesk.marketdata.models import TIMEFRAMES


def _amount(**options: Any) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(max_digits=20, decimal_places=6, **options)


class PaperAccount(models.Model):
    broker_account = models.OneToOneField(BrokerAccount, models.CASCADE, related_name="paper_account")
    starting_cash = models.DecimalField(max_digits=20, decimal_places=6)
    # starting_cash plus every fill's cash_change.
    cash = models.DecimalField(max_digits=20, decimal_places=6)
    commission_per_order = models.FloatField(default=0)
    commission_per_share = models.FloatField(default=0)
    commission_bps = models.FloatField(default=0)
    slippage_bps = models.FloatField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(starting_cash__gt=0), name="paper_starting_cash_positive")
        ]

    def __str__(self) -> str:
        return f"Books of {self.broker_account}"

    def costs(self) -> Costs:
        return Costs(
            commission_per_order=self.commission_per_order,
            commission_per_share=self.commission_per_share,
            commission_bps=self.commission_bps,
            slippage_bps=self.slippage_bps,
        )


class PaperOrder(models.Model):
    class Kind(models.TextChoices):
        """MARKET: an order of its own, which may wait for a price; the others are protective exits."""

        MARKET = "market", "Market"
        STOP_LOSS = "stop_loss", "Stop loss"
        TAKE_PROFIT = "take_profit", "Take profit"

    class Status(models.TextChoices):
        WORKING = "working", "Working"
        FILLED = "filled", "Filled"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Expired"

    account = models.ForeignKey(PaperAccount, models.CASCADE, related_name="orders")
    client_order_id = models.CharField(max_length=48, unique=True)
    kind = models.CharField(max_length=11, choices=Kind, default=Kind.MARKET)
    # The client_order_id of the entry whose lot this order closes; empty for an entry.
    closes = models.CharField(max_length=48, blank=True)
    symbol = models.CharField(max_length=15)
    timeframe = models.CharField(max_length=6, choices=TIMEFRAMES)
    side = models.CharField(max_length=4, choices=OrderSide)
    quantity = _amount()
    fractional = models.BooleanField(default=False)
    priority = models.FloatField(default=1.0)
    # Of an order that waits for a price: the price, and the market time until which it waits.
    limit_price = _amount(null=True, blank=True)
    stop_price = _amount(null=True, blank=True)
    good_until = models.DateTimeField(null=True, blank=True)
    # Entries only: the protective exits to make at the fill, and their distances from its price, as fractions. The
    # one stop of a lot is at the higher of its fixed and its trailing price.
    stop_loss_id = models.CharField(max_length=48, blank=True)
    stop_loss_distance = models.FloatField(null=True, blank=True)
    # A trailing stop follows the highest price by a fraction of it or by dollars.
    trailing_fraction = models.FloatField(null=True, blank=True)
    trailing_dollars = _amount(null=True, blank=True)
    take_profit_id = models.CharField(max_length=48, blank=True)
    take_profit_distance = models.FloatField(null=True, blank=True)
    trigger_price = _amount(null=True, blank=True)
    accepted_at = models.DateTimeField(help_text="Market time.")
    # Protective exits and orders that wait for a price: the last bar that was matched against this order.
    matched_until = models.DateTimeField(null=True, blank=True)
    # Entries only: shares of the lot that are still held.
    open_quantity = _amount(default=Decimal(0))
    status = models.CharField(max_length=9, choices=Status, default=Status.WORKING)
    reason = models.CharField(max_length=300, blank=True)
    filled_quantity = _amount(default=Decimal(0))

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["account"], condition=Q(status="working"), name="paper_order_working"),
            models.Index(fields=["account"], condition=Q(open_quantity__gt=0), name="paper_lot_open"),
            models.Index(fields=["account", "closes"]),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity.normalize():f} {self.symbol}"


class PaperFill(models.Model):
    """One line of the cash ledger."""

    account = models.ForeignKey(PaperAccount, models.CASCADE, related_name="fills")
    order = models.ForeignKey(PaperOrder, models.CASCADE, related_name="fills")
    bar_time = models.DateTimeField()
    quantity = _amount()
    price = _amount()
    commission = _amount()
    # Negative for a purchase.
    cash_change = _amount()
    cash_after = _amount()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "bar_time"], name="paper_fill_unique_per_bar"),
            models.CheckConstraint(condition=Q(quantity__gt=0, price__gt=0), name="paper_fill_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} at {self.price}"
