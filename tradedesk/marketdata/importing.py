"""The checks of an import: what the bars of a file become together with the stored ones, and what is doubtful."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from dataclasses import replace as changed
from datetime import datetime

import numpy as np

from tradedesk.core.bars import Bars, to_datetime64
from tradedesk.marketdata import store
from tradedesk.marketdata.in_use import uses_by_readers
from tradedesk.marketdata.library import find_series, rank
from tradedesk.marketdata.merging import Merged, merge_bars
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.parts import join
from tradedesk.marketdata.quality import Finding, Span, finding, findings_of, trimmed, with_seams
from tradedesk.marketdata.quality.seams import common, one_factor
from tradedesk.marketdata.readers import FileSeries
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.series import SeriesKey, read_parts

# Bars that differ by a smaller factor were adjusted for dividends, which a position survives.
LEAST_SPLIT = 1.2


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """merged: the bars to store. stored: the row that they were merged into. findings: those of the merged series,
    which stay on it. remarks: findings about what was left out of the file, which do not."""

    key: SeriesKey
    stored: BarSeries | None
    merged: Merged
    adjusted: bool
    findings: list[Finding]
    remarks: list[Finding]


def check(found: FileSeries, key: SeriesKey, *, replace: bool, accept: Collection[str], now: datetime) -> Checked:
    """The bars of a file merged into the series `key`. See services.import_series. Raises ImportRefused for what
    cannot be accepted."""
    stored = BarSeries.objects.filter(**key._asdict()).first()
    remarks = _hidden(key, stored)
    pieces = _stored_pieces(stored) if stored else []
    before = join(pieces) if pieces else None
    own = trimmed(found.bars, key.timeframe, beside=before, accept=accept, now=now)
    remarks += own.left_out
    _refuse_impossible(remarks, found)
    if not len(own.bars):
        raise ImportRefused(
            f"The file has no bar that can be stored. {' '.join(each.message for each in remarks)}"
        )
    new = changed(found, bars=own.bars)
    merged = merge_bars(before, new.bars) if before else Merged(new.bars, len(new.bars), new.bars.time[:0])
    if stored:
        _refuse_missing_files(stored, pieces, merged, replace=replace)
        _refuse_mixed_adjustment(stored, merged, new)
        _refuse_differences(before, merged, new.bars, replace=replace)
        _refuse_other_scale(key, before, new.bars)
    known = stored.doubts if stored else []
    findings = findings_of(merged.bars, key.timeframe, adjusted=new.adjusted)
    if before:
        findings = with_seams(findings, before, new.bars, known)
    placed = [each.accept(known, accept).placed(_places(found)) for each in findings]
    _refuse_impossible(placed, found)
    return Checked(key, stored, merged, new.adjusted, placed, remarks)


def _hidden(key: SeriesKey, stored: BarSeries | None) -> list[Finding]:
    """Whether a new series takes the place of another one. Raises ImportRefused while that one is in use."""
    if stored or (hidden := refuse_hiding(key)) is None:
        return []
    return finding("hides", [Span(hidden.first, hidden.last, hidden.count, hidden.provider)])


def refuse_hiding(key: SeriesKey) -> BarSeries | None:
    """The series whose place a new series `key` would take. Raises ImportRefused while that one is in use."""
    hidden = find_series(key.owner_id, [key.symbol], key.timeframe).get(key.symbol)
    if hidden is None or rank(hidden.source or hidden, key.timeframe) < rank(key, key.timeframe):
        return None
    if uses := uses_by_readers(key):
        raise ImportRefused(
            f"These bars would hide the {hidden.provider} series of {key.symbol}, and {' and '.join(uses)}. Sell "
            "the shares and stop the strategies first, or import the file under another symbol.",
            "symbol",
        )
    return hidden


def _refuse_impossible(findings: list[Finding], found: FileSeries) -> None:
    place = _places(found)
    wrong = [each.placed(place) for each in findings if each.is_open and not each.acceptable]
    if wrong:
        field = "timeframe" if wrong[0].name == "spacing" else "file"
        raise ImportRefused(" ".join(each.message for each in wrong), field)


def _places(found: FileSeries) -> Callable[[datetime], str]:
    """The row of the file that has the bar of a time; "" if none has."""

    def place(moment: datetime) -> str:
        time = to_datetime64(moment)
        row = int(np.searchsorted(found.bars.time, time))
        return found.place(row) if row < len(found.bars) and found.bars.time[row] == time else ""

    return place


def _refuse_missing_files(stored: BarSeries, pieces: list[Bars], merged: Merged, *, replace: bool) -> None:
    if len(pieces) < len(stored.parts) and len(merged.bars) < stored.count and not replace:
        raise ImportRefused(
            f"Files of {stored.symbol} are missing in the bar store: {stored.count:,} bars were stored from "
            f"{stored.first:%Y-%m-%d} to {stored.last:%Y-%m-%d}. Import a file with the missing bars, or go on "
            "without them: import with replace (--replace).",
            "replace",
        )


def _refuse_mixed_adjustment(stored: BarSeries, merged: Merged, new: FileSeries) -> None:
    if stored.adjusted != new.adjusted and len(merged.bars) != len(new.bars):
        stored_is, file_is = ("", "not ") if stored.adjusted else ("not ", "")
        raise ImportRefused(
            f"The stored bars are {stored_is}adjusted for splits, the bars of the file are {file_is}adjusted. "
            "Together they would show false price jumps. "
            f"Import a file with all bars from {stored.first:%Y-%m-%d} to {stored.last:%Y-%m-%d}.",
            "adjusted",
        )


def _refuse_differences(before: Bars | None, merged: Merged, new: Bars, *, replace: bool) -> None:
    if replace or before is None or merged.largest is None:
        return
    factor = one_factor(*common(before, new))
    advice = (
        f"All common bars differ by one factor, {factor:.4g}: they were adjusted at different times. Download the "
        "whole history again, and import it with replace (--replace)."
        if factor
        else "To replace the stored bars, import with replace (--replace)."
    )
    first = ", ".join(str(time)[:10] for time in merged.changed[:5])
    raise ImportRefused(
        f"{len(merged.changed):,} bars of the file differ from stored bars of the same time, {merged.largest}. "
        f"The first: {first}. {advice}",
        "replace",
    )


def _refuse_other_scale(key: SeriesKey, before: Bars | None, new: Bars) -> None:
    """Refuse bars adjusted for another split while lots have prices of the stored ones: their stops would be sold
    at the next bar."""
    factor = one_factor(*common(before, new)) if before else None
    if factor is None or 1 / LEAST_SPLIT < factor < LEAST_SPLIT:
        return
    if uses := uses_by_readers(key):
        raise ImportRefused(
            f"All common bars differ from the stored ones by the factor {factor:.4g}, as after a split, and "
            f"{' and '.join(uses)}. Sell the shares and stop the strategies first.",
            "replace",
        )


def _stored_pieces(series: BarSeries) -> list[Bars]:
    """The bars of each part of a series, without the parts whose files were deleted."""
    pieces = []
    for part in series.parts:
        try:
            pieces += read_parts(series, [part])
        except FileNotFoundError:
            continue
        except store.DamagedBars as error:
            raise ImportRefused(str(error)) from error
    return pieces
