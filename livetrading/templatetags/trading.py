"""Live trading in templates: the tones of states, and the times of bars."""

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
    OrderSide.BUY: "info",
    OrderSide.SELL: "warning",
    SignalHistory.Outcome.ORDERED: "info",
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
    """The tone of a badge for a status, a side, an outcome or the state of an order."""
    return _TONES.get(value, "neutral")


@register.filter
def bar_time(value: datetime | None, timeframe: str) -> SafeString | str:
    """When a bar traded: of a daily bar the date alone, for its time of day means nothing."""
    return figures.ny_date(value) if timeframe == Timeframe.DAY else figures.moment(value)
