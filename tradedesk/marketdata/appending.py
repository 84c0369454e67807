"""Appending new bars to a series: the work of its tail, whatever the length of its history."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from tradedesk.core.bars import Bars, validate
from tradedesk.marketdata.merging import merge_bars
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.parts import TAIL_BARS, Part, Piece, history_pieces, join, tail_piece
from tradedesk.marketdata.quality import findings_of, with_newer
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.series import SeriesKey, read_parts, save_parts, save_series, while_current


def append_bars(key: SeriesKey, bars: Bars, *, adjusted: bool, now: datetime) -> BarSeries:
    """Add the bars that come after the last stored one; bars that are stored already may be delivered again.

    adjusted: the prices are adjusted for splits. now: wall time. The first bars make the series. A tail of more
    than TAIL_BARS becomes history in the same step. What is doubtful about the new bars is kept with the series,
    not refused: a feed has no one to ask. Raises InvalidBars; ImportRefused if earlier bars differ from the
    stored ones, if adjusted and unadjusted bars would be mixed, if the store cannot be written, or if the series
    has changed at the same time; FileNotFoundError and DamagedBars if a file that it must read is missing or
    damaged.
    """
    validate(bars)
    stored = BarSeries.objects.filter(**key._asdict()).first()
    if stored is None:
        found = findings_of(bars, key.timeframe, adjusted=adjusted)
        return save_series(key, bars, adjusted=adjusted, stored=None, now=now, findings=found)
    if stored.adjusted != adjusted:
        stored_are, new_are = ("", "not ") if stored.adjusted else ("not ", "")
        raise ImportRefused(
            f"The stored bars of {key.symbol} are {stored_are}adjusted for splits, the new ones are "
            f"{new_are}adjusted. Together they would show false price jumps."
        )
    appended = while_current(stored, lambda: _with_new_tail(stored, bars))
    if appended is None:
        return stored
    return save_parts(
        key,
        appended.kept,
        appended.new,
        adjusted=adjusted,
        stored=stored,
        now=now,
        findings=with_newer(
            stored.doubts, findings_of(appended.seen, key.timeframe, adjusted=adjusted), stored.last
        ),
    )


class _Appended(NamedTuple):
    """The parts that stay, the new ones after them, and the newest bars, among which the new ones are judged."""

    kept: Sequence[Part]
    new: list[Piece]
    seen: Bars


def _with_new_tail(stored: BarSeries, bars: Bars) -> _Appended | None:
    """None if all bars are stored already."""
    known = bars.until(stored.last)
    _require_stored(stored, known)
    if len(known) == len(bars):
        return None
    new = bars[len(known) :]
    # Right after an import or a compaction there is no tail, and the new bars are judged beside the last part.
    newest = read_parts(stored, stored.parts[-1:])
    seen = join([*newest, new])
    tail = seen if stored.tail else new
    if len(tail) <= TAIL_BARS:
        return _Appended(stored.history, [tail_piece(tail)], seen)
    return _Appended(*_compacted(stored, tail), seen)


def _compacted(stored: BarSeries, tail: Bars) -> tuple[Sequence[Part], list[Piece]]:
    """The tail as history. Of the history, only the part of the year in which the tail begins is made again."""
    pieces = history_pieces(tail, stored.timeframe)
    *earlier, last = stored.history
    if last.period != pieces[0].part.period:
        return stored.history, pieces
    return earlier, history_pieces(join([*read_parts(stored, [last]), tail]), stored.timeframe)


def _require_stored(stored: BarSeries, known: Bars) -> None:
    """Raise ImportRefused unless these bars are stored exactly so. Reads from the newest part backwards."""
    if not len(known):
        return
    newest: list[Bars] = []
    for part in reversed(stored.parts):
        newest[:0] = read_parts(stored, [part])
        if newest[0].time[0] <= known.time[0]:
            break
    merged = merge_bars(join(newest), known)
    if merged.added or len(merged.changed):
        raise ImportRefused(
            f"New bars of {stored.symbol} must come after the last stored one, {stored.last:%Y-%m-%d %H:%M} UTC. "
            f"{merged.added + len(merged.changed):,} earlier ones differ from what is stored. To change stored "
            "bars, import a file with replace."
        )
