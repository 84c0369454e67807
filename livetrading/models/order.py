"""Orders and their fills: the desk's own record of what it sent to a broker and what the broker executed."""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from livetrading.models.live_strategy import LiveStrategy
from livetrading.models.signal import OrderSide, SignalHistory
from tradedesk.accounts.models import Mode
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.models import TIMEFRAMES


class OrderState(models.TextChoices):
    PENDING = "pending", "Pending"
    SUBMITTING = "submitting", "Submitting"
    UNKNOWN = "unknown", "Unknown"
    ACCEPTED = "accepted", "Accepted"
    PARTIALLY_FILLED = "partially_filled", "Partially filled"
    FILLED = "filled", "Filled"
    CANCEL_PENDING = "cancel_pending", "Cancel pending"
    CANCELLED = "cancelled", "Cancelled"
    REJECTED = "rejected", "Rejected"
    EXPIRED = "expired", "Expired"
    BLOCKED = "blocked", "Blocked"


_S = OrderState
_AT_BROKER = {
    _S.ACCEPTED,
    _S.PARTIALLY_FILLED,
    _S.FILLED,
    _S.CANCEL_PENDING,
    _S.CANCELLED,
    _S.REJECTED,
    _S.EXPIRED,
}

# From -> to. UNKNOWN returns to PENDING only when the broker has confirmed that it never received the order; the
# same client_order_id is then sent again.
TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    _S.PENDING: frozenset({_S.SUBMITTING, _S.BLOCKED, _S.CANCELLED}),
    _S.SUBMITTING: frozenset({_S.UNKNOWN, _S.BLOCKED, *_AT_BROKER}),
    _S.UNKNOWN: frozenset({_S.PENDING, *_AT_BROKER}),
    _S.ACCEPTED: frozenset(_AT_BROKER - {_S.ACCEPTED}),
    _S.PARTIALLY_FILLED: frozenset({_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCEL_PENDING, _S.CANCELLED, _S.EXPIRED}),
    _S.CANCEL_PENDING: frozenset({_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELLED, _S.REJECTED, _S.EXPIRED}),
    _S.FILLED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.BLOCKED: frozenset(),
}
WORKING = tuple(state for state, following in TRANSITIONS.items() if following)


class Order(models.Model):
    class Purpose(models.TextChoices):
        ENTRY = "entry", "Entry"
        EXIT = "exit", "Exit"
        STOP_LOSS = "stop_loss", "Stop loss"
        TAKE_PROFIT = "take_profit", "Take profit"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="orders")
    live_strategy = models.ForeignKey(LiveStrategy, models.SET_NULL, null=True, blank=True, related_name="orders")
    signal = models.OneToOneField(SignalHistory, models.SET_NULL, null=True, blank=True, related_name="order")
    mode = models.CharField(max_length=5, choices=Mode)
    symbol = models.CharField(max_length=15)
    timeframe = models.CharField(max_length=5, choices=TIMEFRAMES, default=Timeframe.DAY.value)
    side = models.CharField(max_length=4, choices=OrderSide)
    purpose = models.CharField(max_length=11, choices=Purpose)
    quantity = models.DecimalField(max_digits=20, decimal_places=6)
    fractional = models.BooleanField(default=False)
    # The stronger entry of a bar is filled first, as in a backtest.
    strength = models.FloatField(default=1.0)
    # Entries only: distances of the protective exits from the fill price, as fractions.
    stop_loss_pct = models.FloatField(null=True, blank=True)
    take_profit_pct = models.FloatField(null=True, blank=True)
    # Protective exits only: the price that triggers the order.
    trigger_price = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    # Exits only: the entry whose lot this order closes.
    opening_order = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="exits")

    state = models.CharField(max_length=16, choices=OrderState, default=OrderState.PENDING)
    # Why the order was blocked, rejected, cancelled or filled in part only.
    reason = models.CharField(max_length=300, blank=True)
    client_order_id = models.CharField(max_length=48, unique=True)
    broker_order_id = models.CharField(max_length=64, blank=True)
    filled_quantity = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    filled_price = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    created_at = models.DateTimeField(help_text="Market time.")
    state_changed_at = models.DateTimeField(help_text="Wall time; measures how long an order has waited.")

    class Meta:
        ordering = ["-created_at", "symbol"]
        indexes = [
            models.Index(fields=["user", "-created_at"]),
            models.Index(
                fields=["state", "state_changed_at"], condition=Q(state__in=WORKING), name="order_working"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_quantity_positive"),
            models.CheckConstraint(
                condition=Q(filled_quantity__gte=0, filled_quantity__lte=models.F("quantity")),
                name="order_filled_within_quantity",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity.normalize():f} {self.symbol}"

    @staticmethod
    def client_id_of(order_id: uuid.UUID) -> str:
        """The order's id at the broker. It never changes; 37 characters of the 48 that brokers allow."""
        return f"desk-{order_id.hex}"

    @classmethod
    def move(cls, order_id: uuid.UUID, to: OrderState, *, wall_now: datetime, **changes: Any) -> bool:
        """The only way to change the state of an order: one conditional UPDATE.

        Returns False when the transition from the current state to `to` is not allowed."""
        sources = [state for state, following in TRANSITIONS.items() if to in following]
        moved = cls.objects.filter(pk=order_id, state__in=sources)
        return moved.update(state=to, state_changed_at=wall_now, **changes) == 1


class Fill(models.Model):
    """One execution of an order as the broker reported it; unique by the broker's activity id."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="fills")
    mode = models.CharField(max_length=5, choices=Mode)
    order = models.ForeignKey(Order, models.CASCADE, related_name="fills")
    activity_id = models.CharField(max_length=80)
    time = models.DateTimeField()
    quantity = models.DecimalField(max_digits=20, decimal_places=6)
    price = models.DecimalField(max_digits=20, decimal_places=6)
    commission = models.DecimalField(max_digits=20, decimal_places=6, default=0)

    class Meta:
        ordering = ["id"]
        # The live pages read the fills of the day.
        indexes = [models.Index(fields=["user", "mode", "time"])]
        constraints = [
            models.UniqueConstraint(fields=["user", "mode", "activity_id"], name="fill_unique_activity"),
            models.CheckConstraint(condition=Q(quantity__gt=0, price__gt=0), name="fill_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} at {self.price}"
