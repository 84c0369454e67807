"""Wording: how explanations put numbers and crossings."""

from tradedesk.core.signals import Side

MOST_PLACES = 10


def places_apart(first: float, second: float, fewest: int = 2) -> int:
    """The fewest decimals, from `fewest` up, with which two numbers that differ look different."""
    for places in range(fewest, MOST_PLACES):
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
