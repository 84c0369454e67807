"""Checks: what makes a backtest of a kind believable, tried on real bars.

No look-ahead: what a kind says of a bar does not change when later bars become known. Enough warm-up: on the
last `warmup()` bars alone, as live, it decides what it decides on the whole history.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strategies.kinds.base import Kind
from tradedesk.core.bars import Bars, Times
from tradedesk.core.signals import Side, Signals

RANDOM_CUTS = 50
# A kind that signals on every bar is tried around so many of them.
MAX_SIGNALS = 400
SYMBOL = "PROOF"
DECISION = "the decision"
Decided = dict[str, Signals]  # by symbol


@dataclass(frozen=True, slots=True)
class Check:
    """What was tried and what came of it: `checked` cuts through `bars` bars, ending at the first failure.

    `message` is for people; after a failure it names the bar, counted from 0 as in every message about bars.
    """

    passed: bool
    bars: int
    checked: int
    message: str


class _Fault(Exception):
    """What a check has found against a kind; the message says it."""


def check_no_look_ahead(kind: Kind, bars: Bars | Mapping[str, Bars], seed: int) -> Check:
    """`signals(bars[:k])` equals `signals(bars)[:k]` bit for bit, the lines included.

    bars: of one symbol, or by symbol for a kind that ranks symbols; then a cut is a moment, and every symbol has
    its bars up to it. k ends the bars at 50 random bars, at the edges of the warm-up, and at every signal (of more
    than 400 at 400 of them), one bar before and one after it. A kind that raises an exception has failed; none
    comes out of here.
    """
    prices = _PriceHistory.of(bars)

    def check(t: int, whole: Decided) -> None:
        part = _signals(kind, prices.until(t))
        for symbol, own in part.items():
            for name, ends, goes_on in _columns(own, whole[symbol]):
                changed = np.flatnonzero(~((ends == goes_on) | (np.isnan(ends) & np.isnan(goes_on))))
                if len(changed):
                    row = int(changed[0])
                    raise _Fault(
                        f"{prices.bar(symbol, row)}: {name} is {_value(name, ends[row])} while the bars end with "
                        f"bar {len(own) - 1}, and {_value(name, goes_on[row])} once later bars are known."
                    )

    edges = (0, kind.warmup() - 2, kind.warmup() - 1)
    return _prove(kind, prices, seed, 0, edges, check, "Nothing it said of a bar changed when later bars came.")


def check_warmup(kind: Kind, bars: Bars | Mapping[str, Bars], seed: int) -> Check:
    """The last row of a `warmup()`-long window has the side and strength that it has in the whole history.

    The windows end at 50 random bars and at every signal (as above), one bar before and one after it; of several
    symbols each has a window of its own, as live. Failed, with nothing checked, when there are no more bars than
    the warm-up. Exceptions as above.
    """
    prices, warmup = _PriceHistory.of(bars), kind.warmup()
    if warmup < 1:
        return Check(False, prices.size, 0, f"The warm-up must be at least 1 bar, not {warmup}.")

    def check(t: int, whole: Decided) -> None:
        history = prices.until(t)
        windows = _signals(kind, {symbol: own[-warmup:] for symbol, own in history.items()})
        for symbol, own in history.items():
            row = len(own) - 1
            if row < warmup or own.time[row] != prices.times[t]:
                continue  # it has no bar at this moment, or no more than the window
            alone, known = _decision(windows[symbol], warmup - 1), _decision(whole[symbol], row)
            if alone != known:
                raise _Fault(
                    f"{prices.bar(symbol, row)}: {known} on the whole history, {alone} on the last {warmup:,} "
                    "alone. The warm-up is too short."
                )

    success = f"A window of {warmup:,} {'bar' if warmup == 1 else 'bars'} decides what the whole history decides."
    return _prove(kind, prices, seed, warmup, (warmup,), check, success)


@dataclass(frozen=True, slots=True, eq=False)
class _PriceHistory:
    """The bars by symbol, and all their times in order."""

    bars: dict[str, Bars]
    times: Times

    @classmethod
    def of(cls, bars: Bars | Mapping[str, Bars]) -> "_PriceHistory":
        own = {SYMBOL: bars} if isinstance(bars, Bars) else dict(bars)
        times = [each.time for each in own.values()]
        return cls(own, times[0] if len(times) == 1 else np.unique(np.concatenate(times)))

    @property
    def size(self) -> int:
        return sum(len(own) for own in self.bars.values())

    def until(self, t: int) -> dict[str, Bars]:
        """Each symbol's bars up to the t-th time; those that have none yet are left out."""
        ends = {
            symbol: int(np.searchsorted(own.time, self.times[t], side="right"))
            for symbol, own in self.bars.items()
        }
        return {symbol: self.bars[symbol][:end] for symbol, end in ends.items() if end}

    def places(self, symbol: str, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Where the times of these rows stand among all times."""
        return np.searchsorted(self.times, self.bars[symbol].time[rows])

    def bar(self, symbol: str, row: int) -> str:
        when = str(self.bars[symbol].time[row])[:16].replace("T", " ")
        return f"{'Bar' if symbol == SYMBOL else f'{symbol}, bar'} {row} ({when})"

    def last_bar(self, symbol: str) -> str:
        return self.bar(symbol, len(self.bars[symbol]) - 1)


def _prove(
    kind: Kind,
    prices: _PriceHistory,
    seed: int,
    first: int,
    edges: Iterable[int],
    check: Callable[[int, Decided], None],
    success: str,
) -> Check:
    """Run `check` after every moment to cut at from `first` on."""
    if len(prices.times) <= first:
        return Check(
            False, prices.size, 0, f"More than {first:,} bars are needed, and there are {len(prices.times):,}."
        )
    checked = 0
    try:
        whole = _signals(kind, prices.bars)
        for t in _cuts(prices, whole, first, edges, seed):
            checked += 1
            check(t, whole)
    except _Fault as fault:
        return Check(False, prices.size, checked, str(fault))
    return Check(True, prices.size, checked, success)


def _cuts(prices: _PriceHistory, whole: Decided, first: int, edges: Iterable[int], seed: int) -> list[int]:
    generator = np.random.default_rng(seed)
    random = generator.integers(first, len(prices.times), RANDOM_CUTS)
    found = [prices.places(symbol, np.flatnonzero(own.side)) for symbol, own in whole.items()]
    signals = np.unique(np.concatenate(found))
    if len(signals) > MAX_SIGNALS:
        signals = generator.choice(signals, MAX_SIGNALS, replace=False)
    rows = np.unique(np.concatenate((random, list(edges), signals - 1, signals, signals + 1)))
    return [int(row) for row in rows if first <= row < len(prices.times)]


def _signals(kind: Kind, bars: Mapping[str, Bars]) -> Decided:
    """What every caller gets from the kind, of the shape and in the bounds that the contract asks for."""
    prices = _PriceHistory.of(bars)
    try:
        found = kind.signals_by_symbol(bars)
    except Exception as error:  # whatever a kind raises is the finding
        last = prices.last_bar(next(iter(bars)))
        raise _Fault(f"{last}: the bars up to here end in {error!r}.") from error
    for symbol, own in bars.items():
        signals = found[symbol]
        for name, column in _named(signals):
            if column.shape != (len(own),):
                raise _Fault(f"{prices.last_bar(symbol)}: {name} has {column.size:,} rows for {len(own):,} bars.")
        side, strength = signals.side, signals.strength
        wrong = np.flatnonzero(~np.isin(side, list(Side)) | ~((strength >= 0.0) & (strength <= 1.0)))
        if len(wrong):
            row = int(wrong[0])
            raise _Fault(
                f"{prices.bar(symbol, row)}: a side of {side[row]} with a strength of {strength[row]:g}; "
                "a side is -1, 0 or 1 and a strength from 0 to 1."
            )
    return found


def _named(signals: Signals) -> Iterator[tuple[str, NDArray[Any]]]:
    yield DECISION, signals.side
    yield "the strength", signals.strength
    for name, line in signals.lines.items():
        yield f"the line “{name}”", line


def _columns(part: Signals, whole: Signals) -> Iterator[tuple[str, NDArray[Any], NDArray[Any]]]:
    """Each column of `part`, and the same rows of it in `whole`; NaN for a line that one of them lacks."""
    short, long = dict(_named(part)), dict(_named(whole))
    absent = np.full(len(whole), np.nan)
    for name in long | short:
        yield name, short.get(name, absent)[: len(part)], long.get(name, absent)[: len(part)]


def _decision(signals: Signals, t: int) -> str:
    side = Side(signals.side[t])
    return side.name if side is Side.HOLD else f"{side.name} with strength {signals.strength[t]:g}"


def _value(name: str, value: float) -> str:
    return Side(int(value)).name if name == DECISION else repr(float(value))
