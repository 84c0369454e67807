"""Orders and their fills: the desk's own record of what it sent to a broker and what the broker executed."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from livetrading import journal
from livetrading.models.account import BrokerAccount
from livetrading.models.live_strategy import LiveStrategy
from livetrading.models.signal import OrderSide, SignalHistory
from tradedesk.core.bars import Timeframe
from tradedesk.core.money import DUST, SHARE_PLACES
from tradedesk.marketdata.models import TIMEFRAMES


class OrderState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    GUARDED = "guarded", "Guarded by the desk"
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
# A fill is a fact: every state accepts it.
_FILLS = {_S.PARTIALLY_FILLED, _S.FILLED}
ENDED_AT_BROKER = {_S.CANCELLED, _S.REJECTED, _S.EXPIRED}
_AT_BROKER = {_S.ACCEPTED, _S.CANCEL_PENDING} | _FILLS | ENDED_AT_BROKER

# From -> to. WAITING: a protective exit before its entry is filled, or an exit before its shares are free.
# GUARDED: a protective exit that the desk watches, because the broker cannot hold it. UNKNOWN returns to PENDING
# only when the broker has confirmed that it never received the order; the same client_order_id is then sent again.
# One that has ended unfilled goes to CANCEL_PENDING when the broker turns out to have it after all, and so does a
# PENDING one that was claimed before, because a request that is still on its way may arrive.
TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    _S.WAITING: frozenset({_S.GUARDED, _S.PENDING, _S.BLOCKED} | _AT_BROKER),
    _S.GUARDED: frozenset({_S.PENDING, _S.CANCELLED} | _FILLS),
    _S.PENDING: frozenset({_S.SUBMITTING, _S.BLOCKED, _S.CANCELLED, _S.CANCEL_PENDING} | _FILLS),
    _S.SUBMITTING: frozenset({_S.UNKNOWN, _S.BLOCKED} | _AT_BROKER),
    _S.UNKNOWN: frozenset({_S.PENDING} | _AT_BROKER),
    _S.ACCEPTED: frozenset(_AT_BROKER - {_S.ACCEPTED}),
    _S.PARTIALLY_FILLED: frozenset({_S.CANCEL_PENDING} | _FILLS | ENDED_AT_BROKER),
    _S.CANCEL_PENDING: frozenset(_FILLS | ENDED_AT_BROKER),
    _S.FILLED: frozenset(_FILLS),
    _S.CANCELLED: frozenset({_S.CANCEL_PENDING} | _FILLS),
    _S.REJECTED: frozenset({_S.CANCEL_PENDING} | _FILLS),
    _S.EXPIRED: frozenset({_S.CANCEL_PENDING} | _FILLS),
    _S.BLOCKED: frozenset({_S.CANCEL_PENDING} | _FILLS),
}
# Ended, and the broker should not have it any more.
GIVEN_UP = (_S.CANCELLED, _S.REJECTED, _S.EXPIRED, _S.BLOCKED)
FINAL = (_S.FILLED, *GIVEN_UP)
WORKING = tuple(state for state in OrderState if state not in FINAL)
# The states of an order that the broker may have. SUBMITTING orders belong to the worker that claimed them, until
# requeue marks them UNKNOWN.
SENT = (_S.UNKNOWN, _S.ACCEPTED, _S.PARTIALLY_FILLED, _S.CANCEL_PENDING)


class OrderType(models.TextChoices):
    MARKET = "market", "Market"
    LIMIT = "limit", "Limit"
    STOP = "stop", "Stop"
    STOP_LIMIT = "stop_limit", "Stop limit"


class TimeInForce(models.TextChoices):
    DAY = "day", "Day"
    GTC = "gtc", "Good till cancelled"
    OPG = "opg", "At the open"


class Order(models.Model):
    class Purpose(models.TextChoices):
        ENTRY = "entry", "Entry"
        EXIT = "exit", "Exit"
        STOP_LOSS = "stop_loss", "Stop loss"
        TRAILING_STOP = "trailing_stop", "Trailing stop"
        TAKE_PROFIT = "take_profit", "Take profit"

    class Holder(models.TextChoices):
        """Where a protective exit is kept."""

        ATTACHED = "attached", "At the broker, with the entry"
        BROKER = "broker", "At the broker"
        DESK = "desk", "Guarded by the desk"

    # Of every client_order_id: by it an order at a broker is one of a desk's.
    CLIENT_ID_PREFIX = "desk-"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="orders")
    account = models.ForeignKey(BrokerAccount, models.CASCADE, related_name="orders")
    live_strategy = models.ForeignKey(LiveStrategy, models.SET_NULL, null=True, blank=True, related_name="orders")
    signal = models.OneToOneField(SignalHistory, models.SET_NULL, null=True, blank=True, related_name="order")
    symbol = models.CharField(max_length=15)
    timeframe = models.CharField(max_length=6, choices=TIMEFRAMES, default=Timeframe.DAY.value)
    side = models.CharField(max_length=4, choices=OrderSide)
    purpose = models.CharField(max_length=13, choices=Purpose)
    type = models.CharField(max_length=10, choices=OrderType, default=OrderType.MARKET)
    time_in_force = models.CharField(max_length=3, choices=TimeInForce, default=TimeInForce.DAY)
    quantity = models.DecimalField(max_digits=20, decimal_places=SHARE_PLACES)
    fractional = models.BooleanField(default=False)
    # The strength of the signal: of the entries that one bar fills, the stronger one comes first, as in a
    # backtest.
    priority = models.FloatField(default=1.0)
    limit_price = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    stop_price = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    # Protective exits that were made with their entry: the rule they follow. distance: a fraction of the entry's
    # fill price. A trailing stop follows the highest price by a fraction of it or by dollars; with a distance as
    # well, the higher of the two prices counts.
    distance = models.FloatField(null=True, blank=True)
    trailing_fraction = models.FloatField(null=True, blank=True)
    trailing_dollars = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    # Protective exits only: where they are kept.
    holder = models.CharField(max_length=8, choices=Holder, blank=True)
    # Whether the broker got it before the fill: a net around the close of the decision, for its entry's session.
    provisional = models.BooleanField(default=False)
    # Exits only: the entry whose lot this order closes.
    opening_order = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="exits")
    # Exits by hand only: whether it sells its own quantity, and the rest of the lot stays protected.
    partial = models.BooleanField(default=False)
    # Orders by hand only: the key of the request, which makes a repeated one return the same orders; and what was
    # asked for, because another request must not have the same key.
    close_key = models.CharField(max_length=64, blank=True)
    request_digest = models.CharField(max_length=64, blank=True)
    # Entries by hand only: the price of a share at the decision, which a signal has otherwise.
    reference_price = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    # Exits only: the number of this try to sell, and whether the broker ended it without being asked to.
    tries = models.PositiveIntegerField(default=1)
    ended_by_broker = models.BooleanField(default=False)
    # The order at the broker that this one replaces.
    replaces = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="replaced_by")

    state = models.CharField(max_length=16, choices=OrderState, default=OrderState.PENDING)
    # Why the order was blocked, rejected, cancelled or filled in part only.
    reason = models.CharField(max_length=300, blank=True)
    client_order_id = models.CharField(max_length=48, unique=True)
    broker_order_id = models.CharField(max_length=64, blank=True)
    # The last market time at which an entry may be sent, and until which an order by hand for a price is valid.
    # NULL for the open after `created_at`, and for any other exit.
    valid_until = models.DateTimeField(null=True, blank=True)
    # How often the order was claimed for sending, and the token of the last claim.
    attempts = models.PositiveIntegerField(default=0)
    sender = models.CharField(max_length=32, blank=True)
    # The looks of an unanswered order that did not find it at the broker, and the wall time of the first of them.
    absent_looks = models.PositiveIntegerField(default=0)
    absent_since = models.DateTimeField(null=True, blank=True)
    filled_quantity = models.DecimalField(max_digits=20, decimal_places=SHARE_PLACES, default=Decimal(0))
    filled_price = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    created_at = models.DateTimeField(help_text="Market time.")
    state_changed_at = models.DateTimeField(help_text="Wall time; measures how long an order has waited.")

    class Meta:
        ordering = ["-created_at", "symbol"]
        indexes = [
            models.Index(fields=["user", "-created_at"]),
            models.Index(fields=["live_strategy", "-created_at"]),
            # Not partial: SQLite uses a partial index only for a query with the same list of states.
            models.Index(fields=["state", "state_changed_at"]),
            models.Index(fields=["account", "state"]),
            # The orders at work on every page; SQLite would read all orders of the user.
            models.Index(fields=["user", "state"]),
            models.Index(fields=["account", "-created_at"]),
            models.Index(fields=["account", "close_key"], condition=~Q(close_key=""), name="order_close_key"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_quantity_positive"),
            # A broker counts more decimals than an order has; what is left over is dust.
            models.CheckConstraint(
                condition=Q(filled_quantity__gte=0, filled_quantity__lte=F("quantity") + DUST),
                name="order_filled_within_quantity",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity.normalize():f} {self.symbol}"

    @property
    def mode(self) -> str:
        return self.account.mode

    @property
    def is_protective(self) -> bool:
        return self.purpose in PROTECTIVE

    @property
    def rests(self) -> bool:
        """Whether it is a sale by hand that waits for a price: no other sale of the lot waits for it."""
        return self.purpose == Order.Purpose.EXIT and self.type != OrderType.MARKET

    @property
    def trails(self) -> bool:
        """Whether this order carries the rule of a trailing stop."""
        return self.trailing_fraction is not None or self.trailing_dollars is not None

    @property
    def trigger_price(self) -> Decimal | None:
        """The price that a protective exit waits for, in dollars."""
        return self.limit_price if self.stop_price is None else self.stop_price

    @property
    def open_quantity(self) -> Decimal:
        return self.quantity - self.filled_quantity

    @property
    def cancels_to(self) -> OrderState | None:
        """The state that a cancellation by the desk leads to: immediately CANCELLED only while the broker cannot
        have the order. None for one that is being sent, whose outcome is awaited, and for one that has ended."""
        claimed_before = self.state == _S.PENDING and self.attempts > 0
        if claimed_before or self.state in (_S.ACCEPTED, _S.PARTIALLY_FILLED):
            return _S.CANCEL_PENDING
        return _S.CANCELLED if self.state in (_S.WAITING, _S.GUARDED, _S.PENDING) else None

    @classmethod
    def client_id_of(cls, order_id: uuid.UUID) -> str:
        """The order's id at the broker. It never changes; 37 characters of the 48 that brokers allow."""
        return f"{cls.CLIENT_ID_PREFIX}{order_id.hex}"

    @classmethod
    def move(
        cls,
        order_id: uuid.UUID,
        to: OrderState,
        *,
        wall_now: datetime,
        only_from: str | None = None,
        claimed_by: str | None = None,
        **changes: Any,
    ) -> bool:
        """Change the state of an order by one conditional UPDATE; with `claim`, the only way to change it.

        Returns False when the transition from the current state to `to` is not allowed, when the current state is
        not `only_from`, or when the last claim was not that of the sender `claimed_by`."""
        sources = [state for state, following in TRANSITIONS.items() if to in following]
        sources = [state for state in sources if only_from in (None, state)]
        moved = cls.objects.filter(pk=order_id, state__in=sources)
        if claimed_by is not None:
            moved = moved.filter(sender=claimed_by)
        if moved.update(state=to, state_changed_at=wall_now, **changes) != 1:
            return False
        journal.order_moved(cls._default_manager, order_id, to, changes.get("reason", ""))
        return True

    @classmethod
    def at_work(cls, orders: "models.QuerySet[Order]", *purposes: str) -> "list[uuid.UUID]":
        """Those of these orders that have not ended, the newest first. Sorted here: a database that is asked for
        the newest few looks for them in the whole history."""
        rows = (
            orders.filter(state__in=WORKING, purpose__in=purposes)
            .order_by()
            .values_list("created_at", "symbol", "pk")
        )
        return [pk for _, _, pk in sorted(rows, key=lambda row: (-row[0].timestamp(), *row[1:]))]

    @classmethod
    def end_all(cls, orders: "models.QuerySet[Order]", reason: str, wall_now: datetime) -> int:
        """CANCELLED, whatever the state of these orders, unless they have ended: their broker is gone, with all
        that it had. Returns how many."""
        working = orders.filter(state__in=[state for state in WORKING if _S.CANCELLED in TRANSITIONS[state]])
        return working.update(state=_S.CANCELLED, state_changed_at=wall_now, reason=reason)

    @classmethod
    def claim(cls, order_id: uuid.UUID, sender: str, wall_now: datetime) -> bool:
        """PENDING -> SUBMITTING by the worker with the token `sender`. False when the order is not PENDING."""
        claimed = cls.objects.filter(pk=order_id, state=_S.PENDING).update(
            state=_S.SUBMITTING, state_changed_at=wall_now, sender=sender, attempts=F("attempts") + 1
        )
        if claimed:
            journal.order_moved(cls._default_manager, order_id, _S.SUBMITTING, "")
        return claimed == 1

    @classmethod
    def give_back(cls, order_id: uuid.UUID, sender: str, wall_now: datetime) -> bool:
        """SUBMITTING -> PENDING by the sender that has certainly sent nothing: as if it had not claimed the order.
        False when it has lost the claim."""
        claimed = cls.objects.filter(pk=order_id, state=_S.SUBMITTING, sender=sender)
        given = claimed.update(state=_S.PENDING, state_changed_at=wall_now, sender="", attempts=F("attempts") - 1)
        if given:
            journal.order_moved(cls._default_manager, order_id, _S.PENDING, "")
        return given == 1

    @classmethod
    def renew_claim(cls, order_id: uuid.UUID, sender: str, wall_now: datetime) -> bool:
        """Begin the time of this sender's claim again. False when it has lost the claim."""
        claimed = cls.objects.filter(pk=order_id, state=_S.SUBMITTING, sender=sender)
        return claimed.update(state_changed_at=wall_now) == 1

    @classmethod
    def is_claimed_by(cls, order_id: uuid.UUID, sender: str) -> bool:
        return cls.objects.filter(pk=order_id, state=_S.SUBMITTING, sender=sender).exists()


# A lot has one stop, fixed or trailing, because brokers lock the shares of each.
STOPS = (Order.Purpose.STOP_LOSS, Order.Purpose.TRAILING_STOP)
PROTECTIVE = (*STOPS, Order.Purpose.TAKE_PROFIT)
# The orders that carry the rule of a trailing stop, and those with the rule of any protective exit.
TRAILS = Q(trailing_fraction__isnull=False) | Q(trailing_dollars__isnull=False)
WITH_RULE = TRAILS | Q(distance__isnull=False)


class Fill(models.Model):
    """One execution of an order as the broker reported it; unique by the broker's activity id.

    It never changes. One that the broker undid or corrected later names the activity that did so, and counts no
    more; what a correction says instead is a fill of its own."""

    account = models.ForeignKey(BrokerAccount, models.CASCADE, related_name="fills")
    order = models.ForeignKey(Order, models.CASCADE, related_name="fills")
    activity_id = models.CharField(max_length=128)
    time = models.DateTimeField()
    quantity = models.DecimalField(max_digits=20, decimal_places=SHARE_PLACES)
    price = models.DecimalField(max_digits=20, decimal_places=6)
    commission = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    # The activity id of the bust or the correction.
    undone_by = models.CharField(max_length=128, blank=True)

    class Meta:
        ordering = ["id"]
        # The live pages read the fills of the day.
        indexes = [models.Index(fields=["account", "time"])]
        constraints = [
            models.UniqueConstraint(fields=["account", "activity_id"], name="fill_unique_activity"),
            models.CheckConstraint(condition=Q(quantity__gt=0, price__gt=0), name="fill_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} at {self.price}"
