"""The distance between bars, against the timeframe that they are said to have."""

import numpy as np

from tradedesk.core.bars import Bars, Timeframe, Times
from tradedesk.marketdata.quality.finding import Finding, finding, span

# Fewer distances tell nothing: a file may have two bars.
ENOUGH = 3
# The part of the distances that the most frequent one must have. In the sessions of the exchange an hour has six
# of seven, a day four of five.
TYPICAL = 0.4
# A series with gaps has some distances of its own timeframe. With fewer than this part it has another timeframe.
OWN = 0.1
MINUTE, DAY = 60, 86_400
NAMES = {
    MINUTE: ("one minute", "1Min"),
    5 * MINUTE: ("five minutes", "5Min"),
    15 * MINUTE: ("fifteen minutes", "15Min"),
    30 * MINUTE: ("thirty minutes", "30Min"),
    60 * MINUTE: ("one hour", "1Hour"),
    240 * MINUTE: ("four hours", "4Hour"),
    DAY: ("one day", "1Day"),
    7 * DAY: ("seven days", "1Week"),
    30 * DAY: ("one month", "1Month"),
    91 * DAY: ("three months", "3Month"),
    365 * DAY: ("one year", "1Year"),
}


def looks_like(times: Times) -> str:
    """The timeframe of bars with these times: "1Min", "1Week"; also one that the desk does not have. "" when it
    cannot be told. times: datetime64, not the same twice, in any order."""
    typical = _typical(_distances(times))
    return NAMES[typical][1] if typical in NAMES else ""


def spacing(bars: Bars, timeframe: str) -> list[Finding]:
    """Hard when the typical distance is that of another timeframe, or when bars begin before the last one
    ended."""
    distances = _distances(bars.time)
    if len(distances) < ENOUGH:
        return []
    length, typical = Timeframe(timeframe).minutes * MINUTE, _typical(distances)
    too_short = typical < length and (distances < length).mean() >= OWN
    too_long = typical > length and (distances == length).mean() < OWN
    if not too_short and not too_long:
        return []
    name, looks = NAMES.get(
        typical, (f"{typical / MINUTE:,.0f} minutes" if typical else "irregular distances", "")
    )
    note = f"{name} apart, so this looks like {looks or 'another timeframe'}, not {timeframe}"
    return finding("spacing", [span(bars.time, 0, len(bars) - 1, note=note)], hard=True)


def _distances(times: Times) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The distances between the times in seconds. From a day on, they are counted in whole days, and months and
    years by their usual lengths."""
    seconds = np.diff(np.sort(times.astype("datetime64[s]"))).astype(np.int64)
    days = np.round(seconds / DAY).astype(np.int64)
    for least, most, usual in ((6, 8, 7), (28, 31, 30), (89, 92, 91), (364, 367, 365)):
        days[(days >= least) & (days <= most)] = usual
    return np.where(seconds >= DAY - 3600, days * DAY, seconds)


def _typical(distances: np.ndarray[tuple[int], np.dtype[np.int64]]) -> int:
    """The most frequent distance, the shortest of several; 0 if none is frequent."""
    if not len(distances):
        return 0
    values, counts = np.unique(distances, return_counts=True)
    most = int(counts.argmax())
    return int(values[most]) if counts[most] >= TYPICAL * len(distances) else 0
