"""Text for explanations: numbers and crossings."""

from tradedesk.core.signals import Side

MAX_DECIMALS = 10
# Decimals of an oscillator from 0 to 100 that matter: smaller differences are ties for the signals.
TIE_DECIMALS = 6


def distinct_decimals(first: float, second: float, fewest: int = 2) -> int:
    """The fewest decimals, at least `fewest`, that show two different numbers as different."""
    for decimals in range(fewest, MAX_DECIMALS):
        if f"{first:.{decimals}f}" != f"{second:.{decimals}f}":
            return decimals
    return fewest


def crossing_text(side: int, first_name: str, first: float, second_name: str, second: float) -> str:
    """ "SMA 10 (52.31) crossed above SMA 30 (52.07)"; on a HOLD "is above", "is below" or "equals"."""
    decimals = distinct_decimals(first, second)
    first_text, second_text = f"{first:,.{decimals}f}", f"{second:,.{decimals}f}"
    if first_text == second_text:
        verb = "equals"
    else:
        verb = f"{'is' if side == Side.HOLD else 'crossed'} {'above' if first > second else 'below'}"
    return f"{first_name} ({first_text}) {verb} {second_name} ({second_text})"


def level_text(side: int, name: str, value: float, low: float, high: float) -> str:
    """ "RSI 28.4 crossed below 30": a BUY crosses the low level, a SELL the high one; on a HOLD "is below 30"."""
    value = round(value, TIE_DECIMALS)
    decimals = max(distinct_decimals(value, level, fewest=1) for level in (low, high))
    shown = f"{name} {value:,.{decimals}f}"
    if side == Side.HOLD and low <= value <= high:
        return f"{shown} is between {low:g} and {high:g}"
    verb = "is" if side == Side.HOLD else "crossed"
    level = low if side == Side.BUY or (side == Side.HOLD and value < low) else high
    return f"{shown} {verb} {'above' if value > level else 'below'} {level:g}"
