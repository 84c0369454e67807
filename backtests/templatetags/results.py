"""Formatting of the figures of a result."""

from datetime import datetime
from typing import Any

from django import template

from backtests.reports.backtest import heat_level
from backtests.research.optimizer.objectives import Objective
from tradedesk.templatetags import figures

register = template.Library()


def _days(value: figures.Figure) -> str:
    return figures.MISSING if value is None else f"{value:,} {'day' if value == 1 else 'days'}"


def _number(value: figures.Figure) -> str:
    return figures.MISSING if value is None else f"{value:,}"


FORMATS = {
    "percent": figures.percent,
    "signed percent": figures.signed_percent,
    "ratio": figures.ratio,
    "money": figures.money,
    "signed money": figures.signed_money,
    "days": _days,
    "number": _number,
}


@register.filter
def in_format(value: figures.Figure, name: str) -> str:
    """The figure in one of FORMATS."""
    return FORMATS[name](value)


@register.filter
def score(value: figures.Figure, objective: str) -> str:
    """A score of an optimizer run: a percent for the annual return, else a ratio."""
    return figures.signed_percent(value) if objective == Objective.CAGR else figures.ratio(value)


@register.filter
def value_at(values: dict[str, Any], key: str) -> Any:
    """The value of a dictionary whose key is a variable of the template; None without one."""
    return values.get(key)


@register.filter
def format_class(value: figures.Figure, name: str) -> str:
    """`gain`, `loss` or `flat` for a figure in a signed format, "" for any other."""
    return figures.signed_class(value) if name.startswith("signed") and value is not None else ""


@register.filter
def percent_number(value: float | None) -> str:
    """A fraction as a signed percentage with one decimal, without the % sign: 0.0124 -> +1.2."""
    if value is None:
        return figures.MISSING
    text = f"{100 * value:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", figures.MINUS)


@register.filter
def chart_time(moment: datetime | None, daily: bool) -> str:
    """The time as in the JSON of a chart: a New York date for daily bars, else unix seconds; "" for None."""
    if moment is None:
        return ""
    return figures.ny_date(moment) if daily else str(int(moment.timestamp()))


@register.filter
def heat_class(value: float | None, span: str) -> str:
    """The colour class of a return over a "month" or a "year": heat-gain-1 to 4, heat-loss-1 to 4, "" at zero."""
    level = heat_level(value, span) if value else 0
    return f"heat-{'gain' if level > 0 else 'loss'}-{abs(level)}" if level else ""
