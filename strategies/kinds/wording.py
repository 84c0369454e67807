"""Wording: how explanations put numbers and crossings."""

from tradedesk.core.signals import Side

MAX_PLACES = 10
# Of oscillators from 0 to 100: what lies closer together is a tie to the signals, and has to read as one.
TIE_PLACES = 6


def places_apart(first: float, second: float, fewest: int = 2) -> int:
    """The fewest decimals, from `fewest` up, with which two numbers that differ look different."""
    for places in range(fewest, MAX_PLACES):
        if f"{first:.{places}f}" != f"{second:.{places}f}":
            return places
    return fewest


def crossing_words(side: int, first_name: str, first: float, second_name: str, second: float) -> str:
    """ "SMA 10 (52.31) crossed above SMA 30 (52.07)", or how the two stand to each other on a HOLD."""
    places = places_apart(first, second)
    one, other = f"{first:,.{places}f}", f"{second:,.{places}f}"
    if one == other:
        verb = "equals"
    else:
        verb = f"{'stays' if side == Side.HOLD else 'crossed'} {'above' if first > second else 'below'}"
    return f"{first_name} ({one}) {verb} {second_name} ({other})"


def level_words(side: int, name: str, value: float, low: float, high: float) -> str:
    """ "RSI 28.4 crossed below 30": a BUY crossed the low level, a SELL the high one; on a HOLD how it stands."""
    value = round(value, TIE_PLACES)
    places = max(places_apart(value, level, fewest=1) for level in (low, high))
    shown = f"{name} {value:,.{places}f}"
    if side == Side.HOLD and low <= value <= high:
        return f"{shown} is between {low:g} and {high:g}"
    verb = "stays" if side == Side.HOLD else "crossed"
    level = low if side == Side.BUY or (side == Side.HOLD and value < low) else high
    return f"{shown} {verb} {'above' if value > level else 'below'} {level:g}"
