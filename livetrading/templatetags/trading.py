"""Template filters of live trading: badge tones and bar times."""

from datetime import datetime

from django import template
from django.utils.safestring import SafeString

from livetrading.models import LiveStrategy, OrderState, SignalHistory
from livetrading.models.signal import OrderSide
from tradedesk.core.bars import Timeframe
from tradedesk.templatetags import figures

register = template.Library()

_TONES: dict[str, str] = {
    LiveStrategy.Status.ACTIVE: "success",
    LiveStrategy.Status.PAUSED: "warning",
    LiveStrategy.Status.ERROR: "error",
    OrderSide.BUY: "info",
    OrderSide.SELL: "warning",
    SignalHistory.Outcome.ORDERED: "info",
    OrderState.WAITING: "info",
    OrderState.GUARDED: "info",
    OrderState.PENDING: "info",
    OrderState.SUBMITTING: "info",
    OrderState.ACCEPTED: "info",
    OrderState.PARTIALLY_FILLED: "success",
    OrderState.FILLED: "success",
    OrderState.UNKNOWN: "warning",
    OrderState.CANCEL_PENDING: "warning",
    OrderState.BLOCKED: "error",
    OrderState.REJECTED: "error",
}


@register.filter
def tone(value: str) -> str:
    """The badge tone of a status, a side, a signal outcome or an order state."""
    return _TONES.get(value, "neutral")


@register.filter
def format_bar_time(value: datetime | None, timeframe: str) -> SafeString | str:
    """The time of a bar; only the date for a daily bar, because its time of day has no meaning."""
    return figures.ny_date(value) if Timeframe(timeframe).is_dated else figures.moment(value)
