"""Storing what a feed delivers: new bars, late ones, and bars that it has changed.

A feed has nobody to ask, so nothing is refused for being doubtful: it is kept with the series as findings. Bars
that arrived after a later one, and bars that the feed changed afterwards, are findings too, and the version before
a change is kept. Bars at another scale, as after a split, are not stored beside the old ones, and none beside a
damaged file: the history has to be downloaded again, and until then the series gets no bars, so that its entries
stop as of stale data.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.conf import settings

from tradedesk.core.bars import Bars, to_datetime, to_datetime64, validate
from tradedesk.marketdata.appending import append_bars
from tradedesk.marketdata.bar_folder import delete_file
from tradedesk.marketdata.importing import refuse_hiding
from tradedesk.marketdata.limits import require_room
from tradedesk.marketdata.merging import Merged, merge_bars
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.parts import TAIL_BARS, join, tail_piece
from tradedesk.marketdata.quality import Finding, Span, finding, findings_of, with_newer
from tradedesk.marketdata.quality.seams import common, rescaled
from tradedesk.marketdata.series import (
    SeriesKey,
    changed_just_now,
    read_parts,
    save_parts,
    save_series,
    while_current,
)
from tradedesk.marketdata.store import DamagedBars

log = logging.getLogger(__name__)

RECORDED = ("corrected", "late", "rescaled")


@dataclass(frozen=True, slots=True)
class Delivered:
    """added: new bars; late: those among them that come before a stored one. changed: stored bars that were
    replaced. reload: why nothing was stored, and the whole history has to be downloaded again; factor: of the new
    bars to the stored ones, where that is the reason."""

    added: int = 0
    late: int = 0
    changed: int = 0
    reload: str = ""
    factor: float | None = None


def deliver(key: SeriesKey, bars: Bars, *, now: datetime) -> Delivered:
    """Store closed bars of a feed that adjusts for splits. now: wall time.

    Bars before the first stored one are an older part of the history, and not late. Raises InvalidBars, and
    ImportRefused when another series in use would be hidden, when there is no room, when the store cannot be
    written, and when the series has changed at the same time; OSError when it cannot be read.
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
    if stored.feed not in ("", settings.ALPACA_FEED):
        return Delivered(reload=f"its bars are of {stored.feed}, and ALPACA_FEED is {settings.ALPACA_FEED}")
    try:
        return _beside(key, stored, bars, now)
    except (FileNotFoundError, DamagedBars) as unreadable:
        if not BarSeries.objects.filter(pk=stored.pk, fingerprint=stored.fingerprint).exists():
            raise changed_just_now(key) from None
        log.exception("The stored bars of %s cannot be read", stored)
        return Delivered(reload=f"its bars could not be read ({type(unreadable).__name__})")


def _beside(key: SeriesKey, stored: BarSeries, bars: Bars, now: datetime) -> Delivered:
    """Raises FileNotFoundError and DamagedBars for the stored files."""
    beside, pieces = _read_from(stored, bars.time[0])
    if (factor := rescaled(*common(beside, bars))) is not None:
        return Delivered(factor=factor, reload=f"it was split (the factor {factor:.4g})")
    merged = merge_bars(beside, bars)
    if not merged.added and not len(merged.changed):
        return Delivered()
    fresh = bars[len(bars.until(stored.last)) :]
    if len(fresh) == merged.added and not len(merged.changed):
        require_room(key, stored, stored.count + merged.added)
        append_bars(key, fresh, adjusted=True, now=now)
        return Delivered(added=merged.added)
    return _merge(key, stored, pieces, beside, merged, now)


def replace_history(key: SeriesKey, bars: Bars, *, note: str, now: datetime) -> Delivered:
    """Store the whole history of a series anew, as after a split; the version before is kept unless damaged.
    note: why. See deliver."""
    validate(bars)
    stored = BarSeries.objects.filter(**key._asdict()).first()
    require_room(key, stored, len(bars))
    found = findings_of(bars, key.timeframe, adjusted=True)
    if stored:
        first, last = to_datetime(bars.time[0]), to_datetime(bars.time[-1])
        if first > stored.first:
            note = f"{note}; it begins on {first:%Y-%m-%d} now, and began on {stored.first:%Y-%m-%d}"
        found = _with(found, [*stored.doubts, *finding("rescaled", [Span(last, last, note=note)])])
    undoable = stored is not None and _is_whole(stored)
    action = "bars_replaced" if stored else ""
    save_series(key, bars, adjusted=True, stored=stored, now=now, findings=found, undoable=undoable, action=action)
    return Delivered(added=len(bars))


def _is_whole(stored: BarSeries) -> bool:
    """Whether all its files can be read. A damaged one is deleted: the new bars may be those that were in it, and
    a file that is there is not written again."""
    whole = True
    for part in stored.parts:
        try:
            read_parts(stored, [part])
        except FileNotFoundError:
            whole = False
        except DamagedBars:
            delete_file(stored.path_of(part))
            whole = False
    return whole


def _merge(
    key: SeriesKey, stored: BarSeries, pieces: list[Bars], beside: Bars, merged: Merged, now: datetime
) -> Delivered:
    """Store bars of which some are late or changed, or older than all stored ones."""
    new = np.setdiff1d(merged.bars.time, beside.time, assume_unique=True)
    first, last = to_datetime64(stored.first), to_datetime64(stored.last)
    late = new[(new > first) & (new < last)]
    noted = [
        *finding("corrected", _corrected(beside, merged)),
        *finding("late", [Span(moment, moment) for moment in map(to_datetime, late)]),
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
    earlier = read_parts(stored, stored.parts[: len(stored.parts) - len(pieces)])
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


def _corrected(before: Bars, merged: Merged) -> list[Span]:
    """One span for each changed bar, with the close that was decided on; the first one says the largest change."""
    rows, times = np.searchsorted(before.time, merged.changed), [to_datetime(time) for time in merged.changed]
    closes = [f"the close was {close:,.10g}" for close in before.close[rows]]
    notes = [f"{merged.largest}; {closes[0]}", *closes[1:]] if closes else []
    return [Span(time, time, note=note) for time, note in zip(times, notes, strict=True)]


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

    while_current(stored, read)
    return join(pieces), pieces
