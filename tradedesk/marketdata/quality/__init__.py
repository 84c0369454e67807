"""What is doubtful about bars: pure functions from bars to findings. Decision 17 has the thresholds."""

from tradedesk.core.bars import Bars
from tradedesk.marketdata.quality.closed import trimmed
from tradedesk.marketdata.quality.finding import (
    ACCEPTABLE,
    MESSAGES,
    Finding,
    Span,
    as_json,
    finding,
    from_json,
    with_newer,
)
from tradedesk.marketdata.quality.gaps import gaps, outside, still
from tradedesk.marketdata.quality.hours import hours_of
from tradedesk.marketdata.quality.jumps import jumps
from tradedesk.marketdata.quality.seams import with_seams, with_seams_left
from tradedesk.marketdata.quality.spacing import spacing

__all__ = [
    "ACCEPTABLE",
    "MESSAGES",
    "Finding",
    "Span",
    "as_json",
    "finding",
    "findings_of",
    "from_json",
    "gaps",
    "trimmed",
    "with_newer",
    "with_seams",
    "with_seams_left",
]


def findings_of(bars: Bars, timeframe: str, *, adjusted: bool) -> list[Finding]:
    """The findings of a whole series, hard ones first: closed bars of one symbol, valid and ascending.

    adjusted: the prices are said to be adjusted for splits.
    """
    if wrong := spacing(bars, timeframe):
        return wrong  # nothing else can be said of bars in another timeframe
    hours = hours_of(bars.time, timeframe)
    found = [
        *jumps(bars, adjusted=adjusted),
        *finding("gap", gaps(bars, timeframe)),
        *outside(bars, timeframe, hours),
        *still(bars, timeframe),
    ]
    return sorted(found, key=lambda each: not each.hard)
