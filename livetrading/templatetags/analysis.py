"""Formats of the analysis pages: durations, R-multiples, bars in tables and the colours of months."""

from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backtests.models.result import EXIT_REASON_CHOICES
from tradedesk.core.trade_statistics import DAY, HOUR
from tradedesk.templatetags.figures import MISSING, signed_ratio

register = template.Library()
BAR_WIDTH = 96
_REASONS = dict(EXIT_REASON_CHOICES)
HEAT_STEPS = (0.0, 0.25, 0.5, 0.75)


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds as a trader reads them: 12 min, 3.5 h, 4.0 days."""
    if seconds is None:
        return MISSING
    if seconds < HOUR:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / HOUR:.1f} h" if seconds < DAY else f"{seconds / DAY:,.1f} days"


@register.filter
def signed_r(value: float | None) -> str:
    """An R-multiple: 1.234 -> +1.23 R."""
    return MISSING if value is None else f"{signed_ratio(value)} R"


@register.filter
def exit_label(reason: str) -> str:
    """The words of an exit reason."""
    return _REASONS[reason]


@register.filter
def magnitude(value: int) -> int:
    """Without its sign."""
    return abs(value)


@register.simple_tag
def pnl_bar(value: Decimal | float, widest: float) -> SafeString:
    """The size of a P&L beside the others of its table; the figure itself is written next to it."""
    width = round(abs(float(value)) / widest * BAR_WIDTH / 2, 1) if widest else 0.0
    start = BAR_WIDTH / 2 - (width if value < 0 else 0)
    return format_html(
        '<svg class="pnl-bar" viewBox="0 0 {0} 10" width="{0}" height="10" aria-hidden="true">'
        '<rect class="{1}" x="{2}" y="1" width="{3}" height="8" rx="1"></rect><path d="M{4} 0v10"></path></svg>',
        BAR_WIDTH,
        "pnl-bar-loss" if value < 0 else "pnl-bar-gain",
        f"{start:g}",
        f"{width:g}",
        f"{BAR_WIDTH / 2:g}",
    )


@register.filter
def heat_of(value: float | None, widest: float) -> str:
    """The colour class of a month's P&L beside the largest of all months: heat-gain-1 to 4, heat-loss-1 to 4."""
    if not value or not widest:
        return ""
    level = sum(abs(value) / widest > step for step in HEAT_STEPS)
    return f"heat-{'gain' if value > 0 else 'loss'}-{level}"


@register.filter
def correlation_class(value: float | None) -> str:
    """The colour class of a correlation: the closer two strategies move together, the stronger."""
    return heat_of(abs(value), 1.0).replace("gain", "tie") if value is not None else ""
