"""Sessions that are missing, bars outside the sessions, and bars in which nothing happens."""

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Bars, Timeframe, session_dates
from tradedesk.marketdata.quality.finding import Finding, Span, finding, span
from tradedesk.marketdata.quality.hours import Hours, hours_of
from tradedesk.marketdata.sessions import daily_time, spans_of_dates

# A stretch without a move or without volume counts from a week of daily bars, and from a session of shorter ones.
LEAST_DAYS, SESSION_MINUTES = 5, 390
LONGER = {Timeframe.WEEK: "weeks", Timeframe.MONTH: "months"}


def gaps(bars: Bars, timeframe: str) -> list[Span]:
    """The stretches of days, weeks or months of which the series should have bars, between its first and its last,
    and has none. count: of these; note: what they are."""
    hours = hours_of(bars.time, timeframe)
    unit = LONGER.get(Timeframe(timeframe), "days" if hours.around_the_clock else "sessions")
    dates, _ = spans_of_dates(np.unique(session_dates(bars.time)), timeframe)
    expected = np.unique(spans_of_dates(hours.days(dates[0], dates[-1]), timeframe)[0])
    return [
        Span(daily_time(expected[first].item()), daily_time(expected[last].item()), last - first + 1, unit)
        for first, last in _runs(~np.isin(expected, dates))
    ]


def outside(bars: Bars, timeframe: str, hours: Hours) -> list[Finding]:
    """outside_session: daily bars on days without a session, and shorter ones outside its hours."""
    if Timeframe(timeframe).minutes > Timeframe.DAY.minutes:
        return []  # every week and every month has a session
    if Timeframe(timeframe) is Timeframe.DAY:
        is_outside = hours.off_days(session_dates(bars.time))
    else:
        is_outside = ~hours.inside(bars.time)
    return finding("outside_session", spans_of(bars, is_outside))


def still(bars: Bars, timeframe: str) -> list[Finding]:
    """flat and zero_volume: long stretches of bars that repeat all prices of the one before, or have no volume."""
    least = LEAST_DAYS
    if Timeframe(timeframe) is not Timeframe.DAY:
        least = max(LEAST_DAYS, SESSION_MINUTES // Timeframe(timeframe).minutes)
    prices = (bars.open, bars.high, bars.low, bars.close)
    same = np.logical_and.reduce([column[1:] == column[:-1] for column in prices])
    repeats = np.concatenate(([False], same))
    return [
        *finding("flat", spans_of(bars, repeats, least)),
        *finding("zero_volume", spans_of(bars, bars.volume == 0.0, least)),
    ]


def spans_of(bars: Bars, flags: NDArray[np.bool_], least: int = 1) -> list[Span]:
    """The stretches of at least `least` bars whose flags are true."""
    return [span(bars.time, first, last) for first, last in _runs(flags) if last - first + 1 >= least]


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last row of each run of true ones."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(first), int(end) - 1) for first, end in zip(edges[::2], edges[1::2], strict=True)]
