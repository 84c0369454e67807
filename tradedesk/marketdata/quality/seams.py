"""Whether new bars and those that stay beside them are adjusted alike."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from tradedesk.core.bars import Bars, to_datetime, to_datetime64
from tradedesk.marketdata.quality.finding import Finding, Span, finding
from tradedesk.marketdata.quality.jumps import ratio_of, step_between

# The common bars next to a seam that are compared. One is enough when their factor is that of a split.
COMPARED, ENOUGH = 20, 3
ALL = slice(None)
# A factor closer to 1 than this is no other adjustment: vendors round. And how far prices of one factor may be
# from it, besides the rounding of both to a cent.
LEAST_FACTOR, SAME_FACTOR, CENT = 5e-4, 1e-4, 0.005


def with_seams(findings: Iterable[Finding], stored: Bars, new: Bars, known: Iterable[Finding]) -> list[Finding]:
    """The findings of the merged series, and its seams: those between stored and new bars, and those that `known`
    findings have and that `new` does not bridge."""
    bridged = (to_datetime(new.time[0]), to_datetime(new.time[-1]))
    kept = [
        each
        for before in known
        if before.name == "seam"
        for each in before.spans
        if not bridged[0] < each.start <= bridged[1]
    ]
    return _called_seams(findings, [*_seams(stored, new), *kept])


def with_seams_left(findings: Iterable[Finding], bars: Bars, known: Iterable[Finding]) -> list[Finding]:
    """The findings of `bars`, of which some were deleted, and the seams of `known` findings that are still between
    two of them."""
    left = []
    for before in known:
        for each in before.spans if before.name == "seam" else ():
            row = _row(bars, to_datetime64(each.start))
            if 0 < row < len(bars):
                moment = to_datetime(bars.time[row])
                left.append(replace(each, start=moment, end=moment))
    return _called_seams(findings, left)


def _called_seams(findings: Iterable[Finding], seams: Iterable[Span]) -> list[Finding]:
    """The findings and the seams. A step at a seam is not called a split as well."""
    spans = sorted({each.start: each for each in seams}.values(), key=lambda each: each.start)
    at_seams = {each.start for each in spans}
    others = (
        replace(each, spans=tuple(step for step in each.spans if step.start not in at_seams))
        if each.name == "split"
        else each
        for each in findings
    )
    return [*finding("seam", spans, hard=True), *(each for each in others if each.spans)]


def one_factor(stored: Bars, new: Bars) -> float | None:
    """The factor from the closes of `stored` to those of `new`, bars of the same times; None without one, or if it
    is 1."""
    if not len(stored):
        return None
    factors = new.close / stored.close
    factor = float(np.median(factors))
    rounding = CENT / stored.close + CENT / new.close
    if abs(factor - 1.0) < LEAST_FACTOR or (np.abs(factors / factor - 1.0) > SAME_FACTOR + rounding).any():
        return None
    is_split = bool(ratio_of(float(np.log(factor))))
    # With prices of a few cents, rounding alone may look like a factor.
    is_clear = abs(factor - 1.0) > 2.0 * float(np.median(rounding))
    return factor if is_clear and (is_split or len(factors) >= ENOUGH) else None


def rescaled(stored: Bars, new: Bars) -> float | None:
    """The factor between bars of a feed that adjusts for splits only, of the same times: None unless at least half
    of them differ by one. A bar may be corrected at the same time, and no split is too small."""
    if not len(stored):
        return None
    factors = new.close / stored.close
    rounding = CENT / stored.close + CENT / new.close
    # A factor that most bars have is among those of a few of them; the median may be that of a correction.
    some = np.unique(np.linspace(0, len(factors) - 1, COMPARED).round().astype(int))
    votes = [int((np.abs(factors / each - 1.0) <= SAME_FACTOR + rounding).sum()) for each in factors[some]]
    most = int(np.argmax(votes))
    alike = np.abs(factors / factors[some[most]] - 1.0) <= SAME_FACTOR + rounding
    factor = float(np.median(factors[alike]))
    is_split = bool(ratio_of(float(np.log(factor))))
    is_clear = abs(factor - 1.0) > max(LEAST_FACTOR, 2.0 * float(np.median(rounding)))
    is_most = 2 * votes[most] >= len(factors) and (is_split or votes[most] >= ENOUGH)
    return factor if is_clear and is_most else None


def _seams(stored: Bars, new: Bars) -> list[Span]:
    """Where `new` bars meet stored ones that stay, and either the bars next to it that both have differ by one
    factor, or there are none and the price steps as at a split."""
    earlier, later = stored[: _row(stored, new.time[0])], stored[_row(stored, new.time[-1], after=True) :]
    found = (
        _seam(earlier, new, common(stored, new, slice(None, COMPARED))),
        _seam(new, later, common(stored, new, slice(-COMPARED, None))),
    )
    return [each for each in found if each]


def _seam(before: Bars, after: Bars, common: tuple[Bars, Bars]) -> Span | None:
    if not len(before) or not len(after):
        return None
    note = ""
    if len(common[0]):
        factor = one_factor(*common)
        note = f"the bars that both have differ by the factor {factor:.4g}" if factor else ""
    elif ratio := step_between(before, after):
        note = f"a step of {ratio}"
    moment = to_datetime(after.time[0])
    return Span(moment, moment, note=note) if note else None


def common(stored: Bars, new: Bars, rows: slice = ALL) -> tuple[Bars, Bars]:
    """These rows of the bars whose times both have."""
    _, in_stored, in_new = np.intersect1d(stored.time, new.time, assume_unique=True, return_indices=True)
    return _take(stored, in_stored[rows]), _take(new, in_new[rows])


def _take(bars: Bars, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Bars:
    return Bars(bars.time[rows], *(column[rows] for column in bars.values()))


def _row(bars: Bars, time: np.datetime64, *, after: bool = False) -> int:
    return int(np.searchsorted(bars.time, time, side="right" if after else "left"))
