"""Trades: each row is one round trip (a lot) of a live strategy or of a manual order. Paper and live trades have
separate tables."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from backtests.models.result import EXIT_REASON_CHOICES, why_no_r
from livetrading.models.account import BrokerAccount
from livetrading.models.live_strategy import LiveStrategy
from livetrading.models.order import Order
from tradedesk.accounts.models import Mode, User
from tradedesk.core.bars import Timeframe
from tradedesk.core.money import DUST, SHARE_PLACES
from tradedesk.marketdata.models import TIMEFRAMES

# The last event of a trade: its exit, or its entry while it is open. Lists are sorted by it, then by id.
EVENT_TIME = Coalesce("exit_time", "entry_time")
OUTCOMES = ("win", "loss", "breakeven", "open")
# The sides of a position. The desk buys first: every trade is long.
LONG, SHORT = "long", "short"


def first_risk(quantity: Decimal, entry_price: Decimal, initial_stop: Decimal | None) -> Decimal | None:
    """Dollars; None without a stop below the entry."""
    if initial_stop is None or initial_stop >= entry_price:
        return None
    return quantity * (entry_price - initial_stop)


class BaseTrade(models.Model):
    """Written by pipeline.reconcile; pipeline.protect raises the stop of an open one."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="%(class)ss")
    account = models.ForeignKey(BrokerAccount, models.CASCADE, related_name="%(class)ss")
    live_strategy = models.ForeignKey(
        LiveStrategy, models.SET_NULL, null=True, blank=True, related_name="%(class)ss"
    )
    opening_order = models.OneToOneField(Order, models.PROTECT, related_name="%(class)s")
    symbol = models.CharField(max_length=15)
    timeframe = models.CharField(max_length=6, choices=TIMEFRAMES, default=Timeframe.DAY.value)
    quantity = models.DecimalField(max_digits=20, decimal_places=SHARE_PLACES)
    entry_time = models.DateTimeField()
    # Volume-weighted average of the entry's fills.
    entry_price = models.DecimalField(max_digits=20, decimal_places=6)
    # The stop at the fill, and the present or last one, which a trailing stop raises. NULL without a stop.
    initial_stop_price = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    stop_price = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    target_price = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    exit_quantity = models.DecimalField(max_digits=20, decimal_places=SHARE_PLACES, default=Decimal(0))
    # Time of the fill that sold the last share; NULL while the trade is open.
    exit_time = models.DateTimeField(null=True, blank=True)
    exit_price = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    exit_reason = models.CharField(max_length=13, choices=EXIT_REASON_CHOICES, blank=True)
    commission = models.DecimalField(max_digits=20, decimal_places=6, default=Decimal(0))
    # Dollars realized so far, after all commissions paid so far.
    pnl = models.DecimalField(max_digits=20, decimal_places=6, default=Decimal(0))

    class Meta:
        abstract = True
        ordering = ["-entry_time", "symbol"]
        indexes = [
            models.Index(fields=["user", "-entry_time"]),
            models.Index(fields=["account", "-entry_time"]),
            models.Index(fields=["account"], condition=Q(exit_time=None), name="%(class)s_open"),
            models.Index(fields=["live_strategy", "exit_time"]),
            # The orders of the trades page and of the analysis, each with its whole sort key: no more is read than
            # what is shown.
            models.Index("user", EVENT_TIME.desc(), F("id").desc(), name="%(class)s_latest"),
            models.Index("user", "symbol", EVENT_TIME.desc(), F("id").desc(), name="%(class)s_symbol"),
            models.Index("user", F("pnl").desc(), F("id").desc(), name="%(class)s_pnl"),
            models.Index("live_strategy", EVENT_TIME.desc(), F("id").desc(), name="%(class)s_strategy"),
            models.Index(fields=["user"], condition=Q(exit_time=None), name="%(class)s_held"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0, exit_quantity__gte=0, exit_quantity__lte=F("quantity") + DUST),
                name="%(class)s_exit_within_quantity",
            )
        ]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} {self.symbol}"

    @property
    def is_open(self) -> bool:
        return self.exit_time is None

    @property
    def is_dated(self) -> bool:
        """Whether its bars have dates and not times of day."""
        return Timeframe(self.timeframe).is_dated

    @property
    def outcome(self) -> str:
        """One of OUTCOMES."""
        if self.is_open:
            return "open"
        return "win" if self.pnl > 0 else "loss" if self.pnl < 0 else "breakeven"

    @property
    def risk(self) -> Decimal | None:
        """The dollars that the first stop put at risk: quantity x (entry - initial stop)."""
        return first_risk(self.quantity, self.entry_price, self.initial_stop_price)

    @property
    def open_quantity(self) -> Decimal:
        return self.quantity - self.exit_quantity

    @property
    def return_fraction(self) -> float:
        """Realized profit as a fraction of what the shares cost."""
        return float(self.pnl / (self.quantity * self.entry_price))

    @property
    def no_r_reason(self) -> str:
        """Why it has no R-multiple; "" when it has one, and while it is open."""
        return "" if self.is_open else why_no_r(self.initial_stop_price, self.entry_price)

    @property
    def r_multiple(self) -> float | None:
        """Realized profit in units of the risk taken."""
        return None if self.risk is None else float(self.pnl / self.risk)


class PaperTrade(BaseTrade):
    class Meta(BaseTrade.Meta):
        pass


class LiveTrade(BaseTrade):
    class Meta(BaseTrade.Meta):
        pass


# A trade of either table, and a selection of one of them.
Trade = PaperTrade | LiveTrade
Trades = QuerySet[PaperTrade] | QuerySet[LiveTrade]


def trade_model(account: BrokerAccount) -> type[PaperTrade] | type[LiveTrade]:
    return PaperTrade if account.is_paper else LiveTrade


def trades_of(owner: User | BrokerAccount | LiveStrategy, mode: str) -> Trades:
    """The paper or the live trades of a user, an account or a live strategy; of a user without those of a paper
    account before its reset."""
    if mode != Mode.PAPER:
        return owner.livetrades.all()
    return (
        owner.papertrades.filter(account__archived_at=None) if isinstance(owner, User) else owner.papertrades.all()
    )
