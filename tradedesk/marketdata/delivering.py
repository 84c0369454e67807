"""Storing what a feed delivers: new bars, late ones, and bars that it has changed.

A feed has nobody to ask, so nothing is refused for being doubtful: it is kept with the series as findings. Bars
that arrived after a later one, and bars that the feed changed afterwards, are findings too, and the version before
a change is kept. Bars at another scale, as after a split, are not stored beside the old ones: the history has to
be downloaded again, and until then the series gets no bars, so that its entries stop as of stale data.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from tradedesk.core.bars import Bars, Times, to_datetime, to_datetime64, validate
from tradedesk.marketdata.appending import append_bars
from tradedesk.marketdata.importing import refuse_hiding
from tradedesk.marketdata.limits import require_room
from tradedesk.marketdata.merging import Merged, merge_bars
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.parts import TAIL_BARS, Part, join, tail_piece
from tradedesk.marketdata.quality import Finding, Span, finding, findings_of, with_newer
from tradedesk.marketdata.quality.seams import common, rescaled
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.series import SeriesKey, read_parts, save_parts, save_series, while_current
from tradedesk.marketdata.store import DamagedBars

RECORDED = ("corrected", "late", "rescaled")


@dataclass(frozen=True, slots=True)
class Delivered:
    """added: new bars; late: those among them that come before a stored one. changed: stored bars that were
    replaced. factor: of the new bars to the stored ones when nothing was stored because the scale differs."""

    added: int = 0
    late: int = 0
    changed: int = 0
    factor: float | None = None


def deliver(key: SeriesKey, bars: Bars, *, now: datetime) -> Delivered:
    """Store closed bars of a feed that adjusts for splits. now: wall time.

    Bars before the first stored one are an older part of the history, and not late. Raises InvalidBars, and
    ImportRefused when another series in use would be hidden, when there is no room, when the store cannot be
    written or damaged, and when the series has changed at the same time.
    """
    if not len(bars):
        return Delivered()
    validate(bars)
    stored = BarSeries.objects.filter(**key._asdict()).first()
    if stored is None:
        refuse_hiding(key)
        require_room(key, None, len(bars))
        found = findings_of(bars, key.timeframe, adjusted=True)
        save_series(key, bars, adjusted=True, stored=None, now=now, findings=found)
        return Delivered(added=len(bars))
    beside, pieces = _read_from(stored, bars.time[0])
    if (factor := rescaled(*common(beside, bars))) is not None:
        return Delivered(factor=factor)
    merged = merge_bars(beside, bars)
    if not merged.added and not len(merged.changed):
        return Delivered()
    fresh = bars[len(bars.until(stored.last)) :]
    if len(fresh) == merged.added and not len(merged.changed):
        require_room(key, stored, stored.count + merged.added)
        append_bars(key, fresh, adjusted=True, now=now)
        return Delivered(added=merged.added)
    return _merge(key, stored, pieces, beside, merged, now)


def replace_history(key: SeriesKey, bars: Bars, *, factor_note: str, now: datetime) -> Delivered:
    """Store the whole history of a series anew, as after a split; the version before is kept. See deliver."""
    validate(bars)
    stored = BarSeries.objects.filter(**key._asdict()).first()
    require_room(key, stored, len(bars))
    found = findings_of(bars, key.timeframe, adjusted=True)
    if stored:
        moment = to_datetime(bars.time[-1])
        found = _with(found, [*stored.doubts, *finding("rescaled", [Span(moment, moment, note=factor_note)])])
    save_series(
        key,
        bars,
        adjusted=True,
        stored=stored,
        now=now,
        findings=found,
        undoable=stored is not None,
        action="bars_replaced",
    )
    return Delivered(added=len(bars))


def _merge(
    key: SeriesKey, stored: BarSeries, pieces: list[Bars], beside: Bars, merged: Merged, now: datetime
) -> Delivered:
    """Store bars of which some are late or changed, or older than all stored ones."""
    new = np.setdiff1d(merged.bars.time, beside.time, assume_unique=True)
    first, last = to_datetime64(stored.first), to_datetime64(stored.last)
    late = new[(new > first) & (new < last)]
    noted = [
        *finding("corrected", _spans(merged.changed, str(merged.largest or ""))),
        *finding("late", _spans(late)),
    ]
    result = Delivered(added=merged.added, late=len(late), changed=len(merged.changed))
    only_tail = len(pieces) == 1 and stored.tail is not None
    if only_tail and len(merged.bars) <= TAIL_BARS:
        seen = findings_of(merged.bars, key.timeframe, adjusted=True)
        found = _with(with_newer(stored.doubts, seen, stored.last), noted)
        save_parts(
            key,
            stored.history,
            [tail_piece(merged.bars)],
            adjusted=True,
            stored=stored,
            now=now,
            findings=found,
            undoable=bool(result.changed),
            action="bars_changed" if result.changed else "",
        )
        return result
    earlier = _read(stored, stored.parts[: len(stored.parts) - len(pieces)])
    whole = join([*earlier, merged.bars])
    require_room(key, stored, len(whole))
    found = _with(findings_of(whole, key.timeframe, adjusted=True), [*stored.doubts, *noted])
    save_series(
        key,
        whole,
        adjusted=True,
        stored=stored,
        now=now,
        findings=found,
        undoable=bool(result.changed),
        action="bars_changed" if result.changed else "",
    )
    return result


def _with(found: Iterable[Finding], recorded: Iterable[Finding]) -> list[Finding]:
    """`found` and, of `recorded`, the findings that only the feed's deliveries make; those of one name as one."""
    spans: dict[str, list[Span]] = {}
    others = [each for each in found if each.name not in RECORDED]
    for each in [*(e for e in found if e.name in RECORDED), *recorded]:
        if each.name in RECORDED:
            spans.setdefault(each.name, []).extend(s for s in each.spans if s not in spans.get(each.name, []))
    return [*others, *(kept for name, each in spans.items() for kept in finding(name, each))]


def _spans(times: Times, note: str = "") -> list[Span]:
    """One span for each time; the note at the first, because it speaks of the largest."""
    moments = [to_datetime(time) for time in times]
    return [Span(moment, moment, note="" if place else note) for place, moment in enumerate(moments)]


def _read_from(stored: BarSeries, time: np.datetime64) -> tuple[Bars, list[Bars]]:
    """The stored bars from the part on that this time belongs to, joined and by parts."""
    pieces: list[Bars] = []

    def read() -> list[Bars]:
        pieces.clear()
        for part in reversed(stored.parts):
            pieces[:0] = read_parts(stored, [part])
            if pieces[0].time[0] <= time:
                break
        return pieces

    try:
        while_current(stored, read)
    except (FileNotFoundError, DamagedBars) as error:
        raise ImportRefused(f"The stored bars of {stored.symbol} cannot be read: {error}") from error
    return join(pieces), pieces


def _read(stored: BarSeries, parts: Sequence[Part]) -> list[Bars]:
    try:
        return read_parts(stored, parts)
    except (FileNotFoundError, DamagedBars) as error:
        raise ImportRefused(f"The stored bars of {stored.symbol} cannot be read: {error}") from error
