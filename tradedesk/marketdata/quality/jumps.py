"""Steps and spikes of the price that no market makes: splits that are not adjusted for, bad ticks, wrong units.

The thresholds, and how often they are wrong, are in decision 17.
"""

import numpy as np

from tradedesk.core.bars import Bars, Floats
from tradedesk.marketdata.quality.finding import Finding, Span, finding, span
from tradedesk.marketdata.quality.sessions import LEAST_USUAL, USUAL_BARS, Sessions, by_session, usual

# The usual ratios of splits, and as far as the price may open from one, as a logarithm: the move of a night.
RATIOS = (
    (3, 2),
    (2, 1),
    (5, 2),
    *((n, 1) for n in (3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 100, 1000)),
)
NEAR, NEAR_3_FOR_2 = 0.08, 0.04
LEAST_STEP = float(np.log(3 / 2)) - NEAR_3_FOR_2
# A step, and a spike, count from this many times the usual move around them.
STEP_TIMES_USUAL, SPIKE_TIMES_USUAL = 20.0, 10.0
# A crash has a wide range and a high volume, a split has neither.
QUIET_RANGE, LEAST_RANGE, QUIET_VOLUME = 4.0, 0.02, 5.0
# A step that an opposite one takes back within this many sessions, to within this part of it, is no split.
BACK_SESSIONS, BACK_PART = 60, 0.15
# The most bars of a spike, how far it must go (up 40%, down 40%), and how close it must come back: 5%, or three
# usual moves.
SPIKE_BARS, SPIKE_UP, SPIKE_DOWN, SPIKE_BACK = 3, float(np.log(1.4)), float(-np.log(0.6)), 0.05
# A high or a low alone (three times), and a stretch of any length (five times): what no market takes and gives
# back.
WICK, STRETCH = float(np.log(3.0)), float(np.log(5.0))
# The last close has no bar after it: this far (ten times) from its own open and from the close before.
LAST_CLOSE = float(np.log(10.0))
# From this ratio on no market steps over night, whatever the ratio.
ANY_RATIO = 30
# A series with more candidates than this has more than enough findings.
CANDIDATES = 500


def jumps(bars: Bars, *, adjusted: bool) -> list[Finding]:
    """split, bad_tick and jump. adjusted: the prices are said to be adjusted; if not, a split is soft."""
    spikes = _spikes(bars)
    sessions = by_session(bars)
    splits, stretches, back = _steps(sessions, _without(spikes, sessions))
    ticks = [span(bars.time, first, last, note=_factor(size)) for first, last, size in spikes]
    ticks += [span(bars.time, row, row, note=note) for row, note in [*_wicks(bars, spikes), *_last_close(bars)]]
    return [
        *finding("split", splits, hard=adjusted),
        *finding("bad_tick", sorted([*ticks, *stretches], key=lambda each: each.start), hard=True),
        *finding("jump", back),
    ]


def step_between(before: Bars, after: Bars) -> str:
    """The split that the step from the last bar of `before` to the first of `after` is near; "" for none."""
    joined = by_session(_joined(before[-500:], after[:500]))
    row = int(np.searchsorted(joined.bars.time, after.time[0], side="right")) - 1
    return _split_at(joined, row)


def ratio_of(step: float) -> str:
    """The split that a step (logarithm) is near: "4:1" for a quarter of the price, "1:4" for four times; or ""."""
    size = abs(step)
    new, old = min(RATIOS, key=lambda ratio: abs(size - np.log(ratio[0] / ratio[1])))
    if abs(size - np.log(new / old)) > (NEAR_3_FOR_2 if old == 2 and new == 3 else NEAR):
        new, old = round(float(np.exp(size))), 1
        if new < ANY_RATIO:
            return ""
    return f"{new}:{old}" if step < 0 else f"{old}:{new}"


def _steps(sessions: Sessions, steps: Floats) -> tuple[list[Span], list[Span], list[Span]]:
    """Splits, stretches in another unit, and other steps that are taken back."""
    splits: list[Span] = []
    stretches: list[Span] = []
    back: list[Span] = []
    ends: set[int] = set()
    for row in np.flatnonzero(np.abs(steps) >= LEAST_STEP)[:CANDIDATES].tolist():
        if row in ends or abs(steps[row]) < STEP_TIMES_USUAL * sessions.usual_move(row):
            continue
        if end := _taken_back(steps, row):
            ends.add(end)
            stretch = sessions.span(row, end - 1, _factor(steps[row]))
            (stretches if abs(steps[row]) >= STRETCH else back).append(stretch)
        elif ratio := _split_at(sessions, row):
            splits.append(sessions.span(row, row, ratio))
    return splits, stretches, back


def _split_at(sessions: Sessions, row: int) -> str:
    step = float(sessions.steps[row])
    if abs(step) < max(LEAST_STEP, STEP_TIMES_USUAL * sessions.usual_move(row)) or not _is_quiet(sessions, row):
        return ""
    return ratio_of(step)


def _is_quiet(sessions: Sessions, row: int) -> bool:
    """Whether range and volume of this session are like those around it. The volume of the shares or of the
    dollars: files adjust it or not."""
    bars, around = sessions.bars, sessions.around(row)
    ranges = np.log(bars.high[around] / bars.low[around])
    own_range = float(np.log(bars.high[row] / bars.low[row]))
    if own_range > max(LEAST_RANGE, QUIET_RANGE * usual(ranges)):
        return False
    amounts = ((bars.volume[row], bars.volume[around]), (sessions.dollars[row], sessions.dollars[around]))
    rises = [float(own) / typical for own, others in amounts if (typical := usual(others))]
    return not rises or min(rises) <= QUIET_VOLUME


def _taken_back(steps: Floats, row: int) -> int:
    """The row of the step that takes this one back; 0 if there is none."""
    later = steps[row + 1 : row + 1 + BACK_SESSIONS]
    opposite = np.flatnonzero(np.abs(later + steps[row]) <= BACK_PART * abs(steps[row]))
    return row + 1 + int(opposite[0]) if len(opposite) else 0


def _without(spikes: list[tuple[int, int, float]], sessions: Sessions) -> Floats:
    """The steps without those into and out of a spike."""
    steps = sessions.steps.copy()
    for first, last, _ in spikes:
        steps[sessions.row_of(first)] = 0.0
        steps[sessions.row_of(last + 1)] = 0.0
    return steps


def _spikes(bars: Bars) -> list[tuple[int, int, float]]:
    """First and last row of each spike, and its size as a logarithm."""
    close = np.log(bars.close)
    moves = np.abs(np.diff(close))
    found: list[tuple[int, int, float]] = []
    for length in range(1, SPIKE_BARS + 1):
        count = len(close) - length - 1
        if count < 1:
            break
        before, after = close[:count], close[length + 1 :]
        inner = [close[shift : shift + count] for shift in range(1, length + 1)]
        up = np.minimum.reduce(inner) - np.maximum(before, after)
        down = np.minimum(before, after) - np.maximum.reduce(inner)
        candidates = np.flatnonzero((up >= SPIKE_UP) | (down >= SPIKE_DOWN))[:CANDIDATES]
        for row in candidates.tolist():
            size, typical = float(max(up[row], down[row])), _usual_around(moves, row, length)
            comes_back = abs(float(after[row] - before[row])) <= max(SPIKE_BACK, 3.0 * typical)
            if size >= SPIKE_TIMES_USUAL * typical and comes_back and not _covers(found, row + 1, row + length):
                found.append((row + 1, row + length, size if up[row] > down[row] else -size))
    return found


def _covers(found: list[tuple[int, int, float]], first: int, last: int) -> bool:
    return any(begin <= last and first <= end for begin, end, _ in found)


def _wicks(bars: Bars, spikes: list[tuple[int, int, float]]) -> list[tuple[int, str]]:
    """Rows whose high or low alone is far from every close around it."""
    close = np.log(bars.close)
    around = (close, np.concatenate((close[:1], close[:-1])), np.concatenate((close[1:], close[-1:])))
    up = np.log(bars.high) - np.maximum.reduce(around)
    down = np.minimum.reduce(around) - np.log(bars.low)
    moves = np.abs(np.diff(close))
    return [
        (
            row,
            f"its {'high' if up[row] > down[row] else 'low'} {_factor(float(max(up[row], -down[row], key=abs)))}",
        )
        for row in np.flatnonzero((up >= WICK) | (down >= WICK))[:CANDIDATES].tolist()
        if max(up[row], down[row]) >= SPIKE_TIMES_USUAL * _usual_around(moves, row, 1)
        and not _covers(spikes, row, row)
    ]


def _last_close(bars: Bars) -> list[tuple[int, str]]:
    """The last row, if its close alone is far from its open and from the close before it."""
    row = len(bars) - 1
    others = np.array([bars.open[row], *bars.close[max(0, row - 1) : row]])
    moves = np.log(bars.close[row] / others)
    if np.abs(moves).min() < LAST_CLOSE or (moves > 0).any() != (moves > 0).all():
        return []
    return [(row, f"its close {_factor(float(min(moves, key=abs)))}")]


def _usual_around(moves: Floats, row: int, length: int) -> float:
    """The usual move between bars around a spike, without its own."""
    before, after = moves[max(0, row - USUAL_BARS) : row], moves[row + length + 1 : row + length + 1 + USUAL_BARS]
    return max(LEAST_USUAL, usual(np.concatenate((before, after))))


def _factor(size: float) -> str:
    """Such as "100 times" or "1/10 of" what is around it, from a logarithm."""
    factor = float(np.exp(abs(size)))
    text = f"{factor:.0f}" if factor >= 10 else f"{factor:.1f}"
    return f"{text} times its neighbours" if size > 0 else f"1/{text} of its neighbours"


def _joined(before: Bars, after: Bars) -> Bars:
    return Bars(
        np.concatenate((before.time, after.time)),
        *(np.concatenate(pair) for pair in zip(before.values(), after.values(), strict=True)),
    )
