"""The format of figures on pages: money, prices, percent, quantities and New York time. None is a dash."""

import re
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradedesk.core.declarations import Rule, Unit
from tradedesk.core.metrics import LEAST_YEARLY_DAYS, is_yearly

register = template.Library()

MISSING = "—"
# As wide as a plus; the API and CSV files have the plain hyphen.
MINUS = "\N{MINUS SIGN}"
NEW_YORK = ZoneInfo(settings.MARKET_TIME_ZONE)
# Rounds half away from zero; the precision is enough for all digits of the largest float.
ROUNDING = Context(prec=400, rounding=ROUND_HALF_UP)

# The longest text of a figure that fits its box: -$1,234,567.89.
FITS = 14
WRITTEN = re.compile(rf"([+{MINUS}]?\$?)([\d,]+(?:\.\d+)?)(%?)")
LETTERS = ((1e6, "M"), (1e9, "B"), (1e12, "T"))
TOO_SHORT = f"Too short a period for a yearly figure: below {LEAST_YEARLY_DAYS} days"

# Values in templates: Decimal from the database, float from a kernel, str from JSON.
Figure = Decimal | float | int | str | None


def _number(value: Figure) -> Decimal | None:
    """The value as a finite Decimal; None for None, "", NaN and infinity."""
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"A figure must be a number or None, not {value!r}.") from None
    return number if number.is_finite() else None


def _formatted(number: Decimal, places: int, *, signed: bool, before: str = "", after: str = "") -> str:
    """The number with thousands separators; a number that rounds to zero has no sign."""
    rounded = number.quantize(Decimal(1).scaleb(-places), context=ROUNDING)
    sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
    return f"{sign}{before}{abs(rounded):,.{places}f}{after}"


@register.filter
def money(value: Figure) -> str:
    """Dollars: 1234.5 -> $1,234.50."""
    number = _number(value)
    return MISSING if number is None else _formatted(number, 2, signed=False, before="$")


@register.filter
def whole_dollars(value: Figure) -> str:
    """Dollars where cents say nothing: 9036.05 -> $9,036."""
    number = _number(value)
    return MISSING if number is None else _formatted(number, 0, signed=False, before="$")


@register.filter
def signed_money(value: Figure) -> str:
    """Profit or loss in dollars: 1234.5 -> +$1,234.50."""
    number = _number(value)
    return MISSING if number is None else _formatted(number, 2, signed=True, before="$")


@register.filter
def signed_whole_money(value: Figure) -> str:
    """The same without cents, where space is short: 1234.5 -> +$1,234."""
    number = _number(value)
    return MISSING if number is None else _formatted(number, 0, signed=True, before="$")


@register.filter
def price(value: Figure) -> str:
    """Dollars per share, without $: 189.2 -> 189.20; below one dollar with 4 decimals."""
    number = _number(value)
    return MISSING if number is None else _formatted(number, 2 if abs(number) >= 1 else 4, signed=False)


@register.filter
def percent(value: Figure) -> str:
    """From a fraction: 0.0124 -> 1.24%."""
    number = _number(value)
    return MISSING if number is None else _formatted(number * 100, 2, signed=False, after="%")


@register.filter
def signed_percent(value: Figure) -> str:
    """From a fraction: 0.0124 -> +1.24%."""
    number = _number(value)
    return MISSING if number is None else _formatted(number * 100, 2, signed=True, after="%")


@register.filter
def ratio(value: Figure) -> str:
    """A number without a unit (Sharpe, profit factor, R): 1.234 -> 1.23."""
    number = _number(value)
    return MISSING if number is None else _formatted(number, 2, signed=False)


@register.filter
def signed_ratio(value: Figure) -> str:
    """The same with its sign, as an R-multiple: 0.204 -> +0.20."""
    number = _number(value)
    return MISSING if number is None else _formatted(number, 2, signed=True)


@register.filter
def quantity(value: Figure) -> str:
    """Shares: up to 6 decimals, without trailing zeros: 10.500000 -> 10.5."""
    number = _number(value)
    if number is None:
        return MISSING
    text = _formatted(number, 6, signed=False)
    return text.rstrip("0").rstrip(".")


@register.filter
def fitted(text: str) -> SafeString | str:
    """A written figure that is wider than its box in a compact form, exact in its title: $1.23B, 1.2e+18%."""
    written = WRITTEN.fullmatch(text)
    if len(text) <= FITS or written is None:
        return text
    before, digits, after = written.groups()
    number = float(digits.replace(",", ""))
    short = f"{number:.2e}"
    for unit, letter in reversed(LETTERS):
        if round(number / unit, 2) < 1000:
            short = f"{number / unit:.2f}{letter}"
    return format_html('<span title="{}">{}{}{}</span>', text, before, short, after)


@register.filter
def or_too_short(text: str, days: int | None) -> SafeString | str:
    """A written figure per year; a dash that says why where the period, in calendar days, is too short for one."""
    if text != MISSING or days is None or is_yearly(days):
        return text
    return format_html('<span title="{}">{}</span>', TOO_SHORT, MISSING)


@register.filter
def parameter(value: Figure) -> str:
    """A strategy parameter: a number as a quantity, the word of a choice as it is."""
    return value if isinstance(value, str) else quantity(value)


@register.filter
def rule_value(rule: Rule, value: Any) -> str:
    """The value of a trading rule in its unit: 2.00%, $500.00, 5, 0.60, Yes; “Off” for None."""
    if value is None:
        return "Off"
    match rule.unit:
        case Unit.FRACTION:
            return percent(value)
        case Unit.DOLLARS:
            return money(value)
        case Unit.DOLLARS_PER_SHARE:
            return f"${quantity(value)}"
        case Unit.BASIS_POINTS:
            return f"{quantity(value)} bps"
        case Unit.TRUE_RANGES:
            return f"{quantity(value)} ATR"
        case Unit.STRENGTH:
            return ratio(value)
        case Unit.FLAG:
            return "Yes" if value else "No"
        case _:
            return quantity(value)


@register.filter
def signed_class(value: Figure) -> str:
    """The CSS class that colours a gain or a loss, before rounding: a loss of a hundredth of a cent is a loss."""
    number = _number(value)
    if not number:
        return "flat"
    return "gain" if number > 0 else "loss"


@register.filter
def ny_time(value: datetime | None) -> str:
    """An aware datetime in New York time: 2012-03-05 16:00. Raises ValueError for a naive one."""
    return MISSING if value is None else f"{_in_new_york(value):%Y-%m-%d %H:%M}"


@register.filter
def ny_weekday(value: datetime | None) -> str:
    """The weekday of an aware datetime in New York: Mon. Raises ValueError for a naive one."""
    return MISSING if value is None else f"{_in_new_york(value):%a}"


@register.filter
def ny_date(value: datetime | date | None) -> str:
    """The New York date of an aware datetime, or a date itself: 2012-03-05. Raises ValueError for a naive one."""
    if value is None:
        return MISSING
    return f"{_in_new_york(value) if isinstance(value, datetime) else value:%Y-%m-%d}"


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """New York time as a <time> element; a script adds the local time. Raises ValueError for a naive one."""
    if value is None:
        return MISSING
    return format_html('<time datetime="{}" data-local>{}</time>', value.isoformat(), ny_time(value))


def _in_new_york(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(f"{value} has no time zone.")
    return value.astimezone(NEW_YORK)
