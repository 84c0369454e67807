"""The parts of a series: its history by calendar year, and the tail with the bars since the last compaction.

Each part is one file that never changes. A new bar makes a new tail; the history stays as it is.
"""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tradedesk.core.bars import COLUMNS, Bars, Timeframe, read_only
from tradedesk.marketdata.store import fingerprint_of

TAIL = "tail"
# The history of daily bars is one part: a year has only 252 of them.
ALL = "all"
# A tail with more bars becomes history. Two and a half sessions of minutes: 48 kB in memory.
TAIL_BARS = 1_000


class Part(NamedTuple):
    """A file of a series. period: a calendar year (UTC), ALL or TAIL. length: the number of its bars."""

    period: str
    length: int
    fingerprint: str


class Piece(NamedTuple):
    """A part and its bars."""

    part: Part
    bars: Bars


def history_pieces(bars: Bars, timeframe: str) -> list[Piece]:
    """The bars divided into parts of the history. The same bars always give the same parts."""
    if Timeframe(timeframe).is_dated:
        return [_piece(ALL, bars)]
    return [_piece(str(bars.time[0].astype("datetime64[Y]")), bars) for bars in _by_year(bars)]


def tail_piece(bars: Bars) -> Piece:
    return _piece(TAIL, bars)


def fingerprint_of_parts(parts: Sequence[Part]) -> str:
    """The fingerprint of a series: of its one part, or the SHA-256 (hex) over the fingerprints of its parts.

    So a new bar does not need the history to be hashed again.
    """
    if len(parts) == 1:
        return parts[0].fingerprint
    return hashlib.sha256("".join(part.fingerprint for part in parts).encode()).hexdigest()


def join(pieces: Sequence[Bars]) -> Bars:
    """The bars one after the other, as contiguous read-only arrays. A single piece is not copied."""
    if len(pieces) == 1:
        return pieces[0]
    return Bars(*(read_only(np.concatenate([getattr(bars, name) for bars in pieces])) for name in COLUMNS))


def _piece(period: str, bars: Bars) -> Piece:
    return Piece(Part(period, len(bars), fingerprint_of(bars)), bars)


def _by_year(bars: Bars) -> Iterator[Bars]:
    years = bars.time.astype("datetime64[Y]")
    starts = [0, *(np.flatnonzero(years[1:] != years[:-1]) + 1).tolist(), len(bars)]
    return (bars[start:end] for start, end in pairwise(starts))
