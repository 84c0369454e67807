"""Template filters of live trading: badge tones and bar times."""

from datetime import datetime
from urllib.parse import quote

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString

from livetrading.models import BarDecision, ComparedFill, LiveStrategy, OrderState, SignalHistory
from livetrading.models.decision_code import DecisionCode
from livetrading.models.signal import OrderSide
from livetrading.models.trade import BaseTrade
from livetrading.pipeline.validity import close_of
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
def chart_moment(moment: datetime | None, timeframe: str) -> str:
    """The time as the buttons of a chart write it: a New York date where bars have one, else unix seconds."""
    if moment is None:
        return ""
    return figures.ny_date(moment) if Timeframe(timeframe).is_dated else str(int(moment.timestamp()))


@register.filter
def chart_address(row: BaseTrade | SignalHistory) -> str:
    """The chart of a trade or a signal: that of its strategy, or of the position where it has none."""
    symbol = quote(row.symbol)
    if row.live_strategy is None or row.live_strategy.deleted_at is not None:
        timeframe = getattr(row, "timeframe", Timeframe.DAY.value)
        return f"{reverse('livetrading:position_chart', args=[row.symbol])}?timeframe={timeframe}"
    return f"{reverse('livetrading:strategy_chart', args=[row.live_strategy_id])}?symbol={symbol}"


@register.filter
def tone(value: str) -> str:
    """The badge tone of a status, a side, a signal outcome or an order state."""
    return _TONES.get(value, "neutral")


# Of the codes, those that a person should look at; the others are as they should be.
_CODE_TONES: dict[str, str] = {
    DecisionCode.ORDERED: "info",
    DecisionCode.LATE: "warning",
    DecisionCode.EXPIRED: "warning",
    DecisionCode.STALE_DATA: "warning",
    DecisionCode.NO_BARS: "warning",
    DecisionCode.NO_EQUITY: "warning",
    DecisionCode.ACCOUNT_BLOCKED: "error",
    DecisionCode.NO_BROKER: "error",
    DecisionCode.UNTRADABLE: "warning",
    DecisionCode.REJECTED: "error",
    DecisionCode.ERROR: "error",
}


@register.filter
def code_tone(code: str) -> str:
    """The badge tone of a DecisionCode."""
    return _CODE_TONES.get(code, "neutral")


# How a fill is against the backtest's.
_MATCH_TONES: dict[str, str] = {
    ComparedFill.Match.IDENTICAL: "info",
    ComparedFill.Match.LATE: "warning",
    ComparedFill.Match.MISSED: "warning",
    ComparedFill.Match.EXTRA: "warning",
}


@register.filter
def match_tone(match: str) -> str:
    """The badge tone of a ComparedFill.Match."""
    return _MATCH_TONES.get(match, "neutral")


@register.filter
def code_label(code: str) -> str:
    """The label of a stored DecisionCode; the code itself when the desk no longer has it."""
    return DecisionCode(code).label if code in DecisionCode.values else code


@register.filter
def stored_bar_time(text: str | None, timeframe: str) -> SafeString | str:
    """The time of a bar that is stored as text; a dash for none."""
    return format_bar_time(datetime.fromisoformat(text) if text else None, timeframe)


@register.filter
def decision_delay(decision: BarDecision, timeframe: str) -> str:
    """The time from the close of a bar to the check that decided on it: "2.9 s after its close"; "" for none."""
    delay = (decision.checked_at - close_of(decision.bar_time, timeframe)).total_seconds()
    if delay < 0.05:
        return ""
    if delay < 120:
        return f"{delay:,.1f} s after its close"
    return f"{delay / 60:,.0f} min after its close" if delay < 7200 else f"{delay / 3600:,.0f} h after its close"


@register.filter
def format_bar_time(value: datetime | None, timeframe: str) -> SafeString | str:
    """The time of a bar; only the date for a daily bar, because its time of day has no meaning."""
    return figures.ny_date(value) if Timeframe(timeframe).is_dated else figures.moment(value)


@register.filter
def ny_clock(value: datetime) -> str:
    """The time of day in New York: 15:30."""
    return figures.ny_time(value)[-5:]
