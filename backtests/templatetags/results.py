"""Figures of a result: written in the form that belongs to each, and tinted in a table of returns."""

from datetime import datetime

from django import template

from tradedesk.templatetags import figures

register = template.Library()

# The fraction from which on a return has the next tint.
TINTS = {"month": (0.0, 0.02, 0.05, 0.10), "year": (0.0, 0.10, 0.20, 0.40)}


def _days(value: figures.Figure) -> str:
    return figures.MISSING if value is None else f"{value:,} {'day' if value == 1 else 'days'}"


def _number(value: figures.Figure) -> str:
    return figures.MISSING if value is None else f"{value:,}"


FORMS = {
    "percent": figures.percent,
    "signed percent": figures.signed_percent,
    "ratio": figures.ratio,
    "money": figures.money,
    "signed money": figures.signed_money,
    "days": _days,
    "number": _number,
}


@register.filter
def written(value: figures.Figure, form: str) -> str:
    return FORMS[form](value)


@register.filter
def tone(value: figures.Figure, form: str) -> str:
    """The class that colours a figure which can be a gain or a loss, "" for any other."""
    return figures.signed_class(value) if form.startswith("signed") and value is not None else ""


@register.filter
def tenths(value: float | None) -> str:
    """A fraction in percent with one decimal, signed, without the sign of percent: 0.0124 -> +1.2."""
    if value is None:
        return figures.MISSING
    text = f"{100 * value:+.1f}"
    return "0.0" if float(text) == 0 else text


@register.filter
def chart_time(moment: datetime | None, daily: bool) -> str:
    """The moment as the JSON of a chart has it: a New York day, or unix seconds; "" for none."""
    if moment is None:
        return ""
    return figures.ny_date(moment) if daily else str(int(moment.timestamp()))


@register.filter
def tint(value: float | None, span: str) -> str:
    """The class that tints a return of a "month" or a "year": heat-gain-1 to 4, heat-loss-1 to 4, none at zero."""
    if not value:
        return ""
    step = sum(abs(value) > edge for edge in TINTS[span])
    return f"heat-{'gain' if value > 0 else 'loss'}-{step}"
