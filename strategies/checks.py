"""Two checks, run on real bars, that a strategy kind must pass before its backtests are reliable.

No look-ahead: the signals of a bar do not change when later bars are added. Enough warm-up: the last `memory()`
bars alone, as in live trading, give the same decision as the full history; the last `warmup()` bars, as on a short
history, give another one only where the decision is a tie within the tolerance.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strategies.kinds.base import Kind
from strategies.line_errors import WARMUP_TOLERANCE, is_tie
from tradedesk.core.bars import Bars, Times
from tradedesk.core.signals import Side, Signals

RANDOM_TEST_POINTS = 50
# A kind that signals on every bar is tested around this many of its signals.
MAX_SIGNALS = 400
UNNAMED = ""  # the symbol of bars that were given without one
DECISION = "the decision"
SignalsBySymbol = dict[str, Signals]


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check: `checked` test points on `bars` bars, up to the first failure.

    `message` is for people; after a failure it names the bar, counted from 0 as in every message about bars.
    """

    passed: bool
    bars: int
    checked: int
    message: str


class _CheckFailed(Exception):
    """The first failure of a check; its text is the message of the result."""


def check_no_look_ahead(kind: Kind, bars: Bars | Mapping[str, Bars], seed: int) -> Check:
    """`signals(bars[:k])` equals `signals(bars)[:k]` bit for bit, indicator lines included.

    bars: of one symbol, or by symbol for a kind that ranks symbols; then a test point is a time, and every symbol
    has its bars up to it. The history ends at 50 random bars, at the edges of the warm-up, and at every signal (a
    sample of 400 where there are more), one bar before it and one after. An exception in the kind is a failure and
    is not raised.
    """
    history = _History.of(bars)

    def test(t: int, whole: SignalsBySymbol) -> None:
        truncated = _validated_signals(kind, history.until(t))
        for symbol, signals in truncated.items():
            for name, short, full in _column_pairs(signals, whole[symbol]):
                changed = np.flatnonzero(~((short == full) | (np.isnan(short) & np.isnan(full))))
                if len(changed):
                    row = int(changed[0])
                    raise _CheckFailed(
                        f"{history.bar_label(symbol, row)}: {name} is {_value_text(name, short[row])} when the "
                        f"history ends at bar {len(signals) - 1} and {_value_text(name, full[row])} when later "
                        "bars are included."
                    )

    edges = (0, kind.warmup() - 2, kind.warmup() - 1)
    success = "No signal or indicator line changed when later bars were added."
    return _run_check(kind, history, seed, 0, edges, test, success)


def check_warmup(kind: Kind, bars: Bars | Mapping[str, Bars], seed: int) -> Check:
    """`check_memory`, and then windows of `warmup()` bars against the full history.

    Their last rows may have another decision only where each line, on this bar and the one before, is within
    WARMUP_TOLERANCE of that of the full history: a tie. The message says how many do. The windows end at the bars
    of `check_memory`. With no more bars than the warm-up the check fails without a test point.
    """
    history, warmup, memory = _History.of(bars), kind.warmup(), kind.memory()
    if warmup < 1:
        return Check(False, history.size, 0, f"The warm-up must be at least 1 bar, not {warmup}.")
    if memory < warmup:
        message = f"The memory, {_bar_count(memory)}, must not be shorter than the warm-up, {_bar_count(warmup)}."
        return Check(False, history.size, 0, message)
    remembered = check_memory(kind, bars, seed)
    if memory == warmup or (remembered.checked and not remembered.passed):
        return remembered
    ties = 0

    def test(t: int, whole: SignalsBySymbol) -> None:
        nonlocal ties
        for symbol, row, window in _windows(kind, history, t, warmup):
            from_window, from_history = _decision_text(window, warmup - 1), _decision_text(whole[symbol], row)
            if from_window == from_history:
                continue
            if not is_tie(kind, history.bars[symbol], whole[symbol], row, window):
                raise _CheckFailed(
                    f"{history.bar_label(symbol, row)}: {from_history} on the full history, {from_window} on the "
                    f"last {_bar_count(warmup)}, and the lines differ by more than {WARMUP_TOLERANCE:.1%}. The "
                    "warm-up is too short."
                )
            ties += 1

    check = _run_check(kind, history, seed, warmup, (warmup,), test, "")
    if not check.passed:
        return check
    same = (
        f"A window of {_bar_count(memory)} gives the same decisions as the full history. "
        if remembered.passed
        else ""
    )
    found = "none differs" if not ties else "1 differs, a tie" if ties == 1 else f"{ties:,} differ, each a tie"
    message = f"{same}Of {check.checked:,} decisions on {_bar_count(warmup)} alone {found}."
    return replace(check, message=message)


def check_memory(kind: Kind, bars: Bars | Mapping[str, Bars], seed: int) -> Check:
    """The last row of a `memory()`-long window has the same side and strength as in the full history.

    The windows end at 50 random bars and at every signal (as above), one bar before it and one after; each of
    several symbols has its own window, as in live trading. With no more bars than the memory the check fails
    without a test point. Exceptions as above.
    """
    history, memory = _History.of(bars), kind.memory()

    def test(t: int, whole: SignalsBySymbol) -> None:
        for symbol, row, window in _windows(kind, history, t, memory):
            from_window, from_history = _decision_text(window, memory - 1), _decision_text(whole[symbol], row)
            if from_window != from_history:
                raise _CheckFailed(
                    f"{history.bar_label(symbol, row)}: {from_history} on the full history, {from_window} on the "
                    f"last {_bar_count(memory)}. The warm-up is too short."
                )

    success = f"A window of {_bar_count(memory)} gives the same decisions as the full history."
    return _run_check(kind, history, seed, memory, (memory,), test, success)


def _windows(kind: Kind, history: "_History", t: int, size: int) -> Iterator[tuple[str, int, Signals]]:
    """Each symbol with a bar at the t-th time and more than `size` bars: this bar's row, and the signals of the
    window of `size` bars that ends there."""
    truncated = history.until(t)
    windows = _validated_signals(kind, {symbol: series[-size:] for symbol, series in truncated.items()})
    for symbol, series in truncated.items():
        row = len(series) - 1
        if row >= size and series.time[row] == history.times[t]:
            yield symbol, row, windows[symbol]


@dataclass(frozen=True, slots=True, eq=False)
class _History:
    """The bars by symbol, and all their times in order."""

    bars: dict[str, Bars]
    times: Times

    @classmethod
    def of(cls, bars: Bars | Mapping[str, Bars]) -> "_History":
        by_symbol = {UNNAMED: bars} if isinstance(bars, Bars) else dict(bars)
        times = [series.time for series in by_symbol.values()]
        return cls(by_symbol, times[0] if len(times) == 1 else np.unique(np.concatenate(times)))

    @property
    def size(self) -> int:
        return sum(len(series) for series in self.bars.values())

    def until(self, t: int) -> dict[str, Bars]:
        """Each symbol's bars up to the t-th time; symbols without a bar by then are left out."""
        ends = {
            symbol: int(np.searchsorted(series.time, self.times[t], side="right"))
            for symbol, series in self.bars.items()
        }
        return {symbol: self.bars[symbol][:end] for symbol, end in ends.items() if end}

    def time_indices(self, symbol: str, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """The indices of these rows of a symbol in `times`."""
        return np.searchsorted(self.times, self.bars[symbol].time[rows])

    def bar_label(self, symbol: str, row: int) -> str:
        when = str(self.bars[symbol].time[row])[:16].replace("T", " ")
        return f"{'Bar' if symbol == UNNAMED else f'{symbol}, bar'} {row} ({when})"

    def last_bar_label(self, symbol: str) -> str:
        return self.bar_label(symbol, len(self.bars[symbol]) - 1)


def _run_check(
    kind: Kind,
    history: _History,
    seed: int,
    first: int,
    edges: Iterable[int],
    test: Callable[[int, SignalsBySymbol], None],
    success: str,
) -> Check:
    """Run `test` at every test point from index `first` on."""
    if len(history.times) <= first:
        message = f"The check needs more than {_bar_count(first)}; there are {len(history.times):,}."
        return Check(False, history.size, 0, message)
    checked = 0
    try:
        whole = _validated_signals(kind, history.bars)
        for t in _test_points(history, whole, first, edges, seed):
            checked += 1
            test(t, whole)
    except _CheckFailed as failure:
        return Check(False, history.size, checked, str(failure))
    return Check(True, history.size, checked, success)


def _test_points(
    history: _History, whole: SignalsBySymbol, first: int, edges: Iterable[int], seed: int
) -> list[int]:
    generator = np.random.default_rng(seed)
    random = generator.integers(first, len(history.times), RANDOM_TEST_POINTS)
    by_symbol = [history.time_indices(symbol, np.flatnonzero(each.side)) for symbol, each in whole.items()]
    signals = np.unique(np.concatenate(by_symbol))
    if len(signals) > MAX_SIGNALS:
        signals = generator.choice(signals, MAX_SIGNALS, replace=False)
    points = np.unique(np.concatenate((random, list(edges), signals - 1, signals, signals + 1)))
    return [int(point) for point in points if first <= point < len(history.times)]


def _validated_signals(kind: Kind, bars: Mapping[str, Bars]) -> SignalsBySymbol:
    """The kind's signals as every caller gets them. Fails where shape or values break the contract."""
    history = _History.of(bars)
    try:
        found = kind.signals_by_symbol(bars)
    except Exception as error:  # a kind may raise anything; all of it fails the check
        last = history.last_bar_label(next(iter(bars)))
        raise _CheckFailed(f"{last}: the strategy raised {error!r} on the bars up to this one.") from error
    for symbol, series in bars.items():
        signals = found[symbol]
        for name, column in _named_columns(signals):
            if column.shape != (len(series),):
                label = history.last_bar_label(symbol)
                raise _CheckFailed(f"{label}: {name} has {column.size:,} rows for {_bar_count(len(series))}.")
        side, strength = signals.side, signals.strength
        wrong = np.flatnonzero(~np.isin(side, list(Side)) | ~((strength >= 0.0) & (strength <= 1.0)))
        if len(wrong):
            row = int(wrong[0])
            raise _CheckFailed(
                f"{history.bar_label(symbol, row)}: side {side[row]} with strength {strength[row]:g}. A side must "
                "be -1, 0 or 1 and a strength from 0 to 1."
            )
    return found


def _named_columns(signals: Signals) -> Iterator[tuple[str, NDArray[Any]]]:
    yield DECISION, signals.side
    yield "the strength", signals.strength
    for name, line in signals.lines.items():
        yield f"the line “{name}”", line


def _column_pairs(truncated: Signals, whole: Signals) -> Iterator[tuple[str, NDArray[Any], NDArray[Any]]]:
    """Each column of `truncated` and the same rows of it in `whole`; NaN for a line that one of them lacks."""
    short, long = dict(_named_columns(truncated)), dict(_named_columns(whole))
    absent = np.full(len(whole), np.nan)
    rows = len(truncated)
    for name in long | short:
        yield name, short.get(name, absent)[:rows], long.get(name, absent)[:rows]


def _bar_count(count: int) -> str:
    return f"{count:,} {'bar' if count == 1 else 'bars'}"


def _decision_text(signals: Signals, t: int) -> str:
    side = Side(signals.side[t])
    return side.name if side is Side.HOLD else f"{side.name} with strength {signals.strength[t]:g}"


def _value_text(name: str, value: float) -> str:
    return Side(int(value)).name if name == DECISION else repr(float(value))
