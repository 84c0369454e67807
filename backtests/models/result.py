"""The stored result of a completed backtest: its trades and its curves."""

from decimal import Decimal

import numpy as np
from django.db import models
from numpy.typing import NDArray

from backtests.models.backtest import Backtest
from tradedesk.core.bars import Times, session_dates
from tradedesk.core.fills import ExitReason

EXIT_REASON_CHOICES = [(reason.value, reason.value.replace("_", " ").capitalize()) for reason in ExitReason]

NO_STOP, STOP_ABOVE = "no stop", "stop not below the entry"


def why_no_r(initial_stop: Decimal | None, entry_price: Decimal) -> str:
    """Why a closed trade has no R-multiple: nothing says what it put at risk. "" when it has one."""
    if initial_stop is None:
        return NO_STOP
    return STOP_ABOVE if initial_stop >= entry_price else ""


class BacktestTrade(models.Model):
    """A round trip; without exit_time it was still open at the end and is valued at the last close."""

    backtest = models.ForeignKey(Backtest, models.CASCADE, related_name="trades")
    symbol = models.CharField(max_length=15)
    quantity = models.DecimalField(max_digits=20, decimal_places=6)
    entry_time = models.DateTimeField()
    entry_price = models.DecimalField(max_digits=20, decimal_places=6)
    # The stop at the fill, and the last one, above it if a trailing stop was raised. NULL without a stop.
    initial_stop_price = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    stop_price = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    target_price = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    exit_time = models.DateTimeField(null=True, blank=True)
    # The last close if the position is still open.
    exit_price = models.DecimalField(max_digits=20, decimal_places=6)
    exit_reason = models.CharField(max_length=13, choices=EXIT_REASON_CHOICES, blank=True)
    commission = models.DecimalField(max_digits=20, decimal_places=6)
    pnl = models.DecimalField(max_digits=20, decimal_places=6)
    # A fraction of the cost of the shares.
    return_fraction = models.FloatField()
    r_multiple = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["entry_time", "symbol"]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} {self.symbol}"

    @property
    def is_open(self) -> bool:
        return self.exit_time is None

    @property
    def no_r_reason(self) -> str:
        """Why it has no R-multiple; "" when it has one, and while it is open."""
        missing = self.r_multiple is None and not self.is_open
        return why_no_r(self.initial_stop_price, self.entry_price) if missing else ""


class BacktestCurve(models.Model):
    """The curves at the end of each session, as aligned lists: unix seconds, dollars, dollars, and the fraction of
    the equity in positions. drawdowns: the worst ones of the equity at the close of each bar, the deepest first
    (research.analysis.Drawdown, dates as text)."""

    backtest = models.OneToOneField(Backtest, models.CASCADE, primary_key=True, related_name="curve")
    time = models.JSONField(default=list)
    equity = models.JSONField(default=list)
    buy_and_hold = models.JSONField(default=list)
    invested = models.JSONField(default=list)
    drawdowns = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{len(self.time)} sessions"

    def moments(self) -> Times:
        return np.array(self.time, "int64").astype("datetime64[s]").astype("datetime64[us]")

    def sessions(self) -> NDArray[np.datetime64]:
        """The New York dates, datetime64[D]."""
        return session_dates(self.moments())
